"""Say where the releases of an environment run, and how they get there."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.target.docker import DockerSpec, docker_problems

PROCESS, GIT_PULL, DOCKER, PLATFORM, MANUAL = "process", "git_pull", "docker", "platform", "manual"

IN_PLACE = frozenset({GIT_PULL, PLATFORM, MANUAL})
"""Targets where a new release takes the place of the old one, instead of starting beside it."""

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class StepSpec:
    """Describe one command of a deployment; it runs on the way back as well."""

    name: str
    run: tuple[str, ...]
    """Command; ``{release}``, ``{sha}`` and ``{environment}`` are filled in."""
    when: str = AFTER
    """``before`` or ``after`` the migrations."""
    seconds_max: float = 600.0
    """How long it may take; then its whole tree is ended."""


@dataclass(frozen=True)
class GitPullSpec:
    """Describe a clone that serves in place, on this machine or over ssh."""

    folder: str = ""
    """Absolute path of the clone that serves."""
    host: str = ""
    """``user@host`` of another machine, as ssh takes it; empty for this one."""
    port: int = 22
    """Port of its ssh server."""
    key: str = ""
    """File with the private key that logs in there; empty for what ssh itself finds."""
    known_hosts: str = ""
    """File with the host's public key; empty for what ssh itself finds. An unknown host is never trusted."""
    remote: str = ""
    """Remote of that clone from which the commit is fetched, such as ``origin``; empty sends it from here."""
    preset: str = ""
    """Steps that are known by name: ``laravel``; your own ``step`` tables take their place."""
    step: tuple[StepSpec, ...] = ()
    """Commands of a deployment, in order."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the commands, besides that of the environment."""
    overwrite: bool = False
    """Deploy over changes that somebody made to tracked files there; else a deploy is refused until they are gone."""


@dataclass(frozen=True)
class PlatformSpec:
    """Describe a platform that builds what is pushed and makes it live itself."""

    push: str = ""
    """Git address that a commit is pushed to; empty when ``deploy`` hands it over, or the merge itself triggers."""
    branch: str = ""
    """Branch that is pushed there; empty for the production branch, or the integration branch in staging."""
    deploy: tuple[str, ...] = ()
    """Command that starts a deployment of ``{sha}``, instead of a push."""
    rollback: tuple[str, ...] = ()
    """Command that makes ``{sha}`` live again, without a build; empty deploys it once more."""
    status: tuple[str, ...] = ()
    """Command that prints how the deployment of ``{sha}`` stands: Building, Ready or Error; the first such word counts."""
    live: tuple[str, ...] = ()
    """Command that prints the commit that users get now."""
    github: str = ""
    """``owner/name`` of a GitHub repository whose deployments are asked instead of ``status`` and ``live``."""
    github_environment: str = ""
    """Name of the environment there; empty for the name here."""
    github_api: str = "https://api.github.com"
    """Address of the API, for an enterprise server."""
    github_token: str = ""
    """Name of the token in the secrets file."""
    poll_seconds: float = 10.0
    """How often it is asked."""
    seconds_max: float = 300.0
    """How long a deployment may take until it is Ready."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the commands."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name in the commands' environment to name in the secrets file."""


@dataclass(frozen=True)
class ManualSpec:
    """Describe a place where a person deploys what Keelway has built and checked."""

    build: tuple[str, ...] = ()
    """Command that makes the artefacts in a fresh checkout; empty hands over the files of the commit as one archive."""
    build_seconds_max: float = 1_800.0
    """How long that may take."""
    artefacts: tuple[str, ...] = ()
    """Patterns of the files that it makes, such as ``dist/*``."""
    live: tuple[str, ...] = ()
    """Command that prints the commit that users get now; with it a confirmation is checked, not believed."""
    live_seconds_max: float = 30.0
    """How long that may take."""
    confirm_seconds_max: float = 86_400.0
    """How long the operator has for a deployment; then it has failed."""
    back_seconds_max: float = 1_800.0
    """How long the operator has for a way back; then everything is frozen and the owner called."""


@dataclass(frozen=True)
class TargetSpec:
    """Choose where releases run."""

    use: str = PROCESS
    """``process`` supervises them on this machine; ``git_pull`` updates a clone here or over ssh; ``docker`` runs
    containers; ``platform`` pushes and waits until it is live; ``manual`` hands artefacts to an operator; or the
    path of an adapter of your own."""
    git_pull: GitPullSpec = field(default_factory=GitPullSpec)
    """Settings of ``git_pull``."""
    docker: DockerSpec = field(default_factory=DockerSpec)
    """Settings of ``docker``."""
    platform: PlatformSpec = field(default_factory=PlatformSpec)
    """Settings of ``platform``."""
    manual: ManualSpec = field(default_factory=ManualSpec)
    """Settings of ``manual``."""

    @property
    def in_place(self) -> bool:
        """Tell whether a new release takes the place of the old one at once, so that no two run side by side."""
        return self.use in IN_PLACE

    @property
    def local(self) -> bool:
        """Tell whether Keelway itself keeps the processes, their traffic and their data on this machine."""
        return self.use not in IN_PLACE


def target_problems(spec: TargetSpec, environment: str) -> list[str]:
    """Return what in the settings of a target can never work."""
    if spec.use == GIT_PULL:
        found = _git_pull_problems(spec.git_pull)
    elif spec.use == DOCKER:
        found = docker_problems(spec.docker)
    elif spec.use == PLATFORM:
        found = _platform_problems(spec.platform)
    elif spec.use == MANUAL:
        found = _manual_problems(spec.manual)
    else:
        found = []
    return [f"{environment}.target.{spec.use}: {problem}" for problem in found]


def _git_pull_problems(spec: GitPullSpec) -> list[str]:
    wrong = []
    if not spec.folder.startswith("/"):
        wrong.append("folder must be the absolute path of the clone that serves")
    if _leads_astray(spec.host):
        wrong.append(f"host {spec.host!r} is none that ssh can be given")
    if _leads_astray(spec.remote):
        wrong.append(f"remote {spec.remote!r} is no name of a remote")
    if spec.preset not in PRESETS and spec.preset:
        wrong.append(f"preset {spec.preset!r} is not known; known: {', '.join(sorted(PRESETS))}")
    wrong += [f"step {step.name!r} has an empty command" for step in steps_of(spec) if not step.run]
    wrong += [
        f"step {step.name!r}: when is {step.when!r}, not {BEFORE} or {AFTER}"
        for step in spec.step
        if step.when not in {BEFORE, AFTER}
    ]
    return wrong


def _platform_problems(spec: PlatformSpec) -> list[str]:
    wrong = []
    if not (spec.push or spec.deploy or spec.github):
        wrong.append("nothing starts a deployment: set push, deploy or github")
    if not (spec.push or spec.deploy or spec.rollback):
        wrong.append("there is no way back: set push, deploy or rollback")
    if not (spec.status or spec.github):
        wrong.append("nothing says whether a deployment is Ready: set status or github")
    if not (spec.live or spec.github):
        wrong.append("nothing says what is live: set live or github")
    if _leads_astray(spec.push) or _leads_astray(spec.branch):
        wrong.append("push and branch must be a git address and a branch")
    if spec.poll_seconds <= 0:
        wrong.append("poll_seconds must be above 0")
    return wrong


def _manual_problems(spec: ManualSpec) -> list[str]:
    return ["build makes artefacts, but artefacts names none"] if spec.build and not spec.artefacts else []


def _leads_astray(text: str) -> bool:
    """Tell whether a text would be taken for an option, or for several words."""
    return text.startswith("-") or any(letter.isspace() or letter == "\0" for letter in text)


def steps_of(spec: GitPullSpec) -> tuple[StepSpec, ...]:
    """Return the steps of a deployment: one's own, else those of the preset."""
    return spec.step or PRESETS.get(spec.preset, ())


def _artisan(*words: str) -> tuple[str, ...]:
    return ("php", "artisan", *words)


PRESETS: dict[str, tuple[StepSpec, ...]] = {
    "laravel": (
        StepSpec(
            "packages",
            ("composer", "install", "--no-dev", "--optimize-autoloader", "--no-interaction"),
            BEFORE,
        ),
        StepSpec("config cache", _artisan("config:cache")),
        StepSpec("route cache", _artisan("route:cache")),
        StepSpec("view cache", _artisan("view:cache")),
        StepSpec("frontend", ("npm", "run", "build")),
        StepSpec("queue", _artisan("queue:restart")),
    ),
}
"""Steps by the name of a preset; the pull before them and the migrations among them are not steps."""
