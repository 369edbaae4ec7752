"""Replace what a clone serves: the commit, its steps, and the wait until it answers well."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.adapters.target.git_pull import scripts
from keelway.adapters.target.git_pull.place import Place
from keelway.clients.release.well import wait_healthy
from keelway.core.errors import TheirFault
from keelway.core.model.project import EnvironmentSpec, Project
from keelway.core.target.fill import fill, fill_all
from keelway.core.target.spec import AFTER, BEFORE, steps_of


@dataclass(frozen=True)
class Walk:
    """Bring one release into one clone."""

    project: Project
    spec: EnvironmentSpec
    place: Place
    release: str
    sha: str
    epoch: int

    def prepare(self) -> None:
        """Replace the files and run the steps before the migrations, unless that was just done.

        Raises:
            TheirFault: a step failed (``step_failed``); what serves now is between two releases.
            StaleEpoch: a newer holder has acted since.
        """
        seen = self.place.look()
        if (seen.phase, seen.moving, seen.head) == (scripts.PREPARED, self.sha, self.sha):
            self.place.claim(self.epoch)
            return
        self.place.check_out(self.sha, self.epoch)
        self._steps(BEFORE)
        self.place.mark(scripts.PREPARED, self.sha, self.release, self.epoch)

    def finish(self, healthy_seconds: float) -> None:
        """Run the steps after the migrations and wait until users get good answers.

        Raises:
            TheirFault: a step failed (``step_failed``), or it did not become healthy (``unhealthy``).
            StaleEpoch: a newer holder has acted since.
        """
        self._steps(AFTER)
        wrong = wait_healthy(self.project.readiness(self.spec.name), self.spec.address, healthy_seconds)
        if wrong:
            raise TheirFault(
                "unhealthy",
                f"{self.release} did not become healthy in {self.spec.name}: {self.place.vault.redact(wrong)}",
                "see the log of the application",
            )
        self.place.mark(scripts.SERVES, self.sha, self.release, self.epoch)

    def _steps(self, when: str) -> None:
        for step in steps_of(self.place.spec):
            if step.when != when:
                continue
            argv = words(step.run, self.spec, self.release, self.sha)
            env = variables(self.project, self.spec, self.release, self.sha)
            _, why = self.place.step(argv, step.seconds_max, env, self.epoch)
            if why:
                raise TheirFault(
                    "step_failed",
                    f"Step {step.name!r} of {self.release} in {self.spec.name} {why}",
                    "correct the step or the commit",
                )


def variables(project: Project, spec: EnvironmentSpec, release: str, sha: str) -> dict[str, str]:
    """Return the environment of a command of the project."""
    folder = spec.target.git_pull.folder
    given = {**spec.env, **spec.target.git_pull.env}
    return {
        "KEELWAY_PATH": ":".join(f"{folder}/{part}" for part in project.path),
        "KEELWAY_RELEASE": release,
        "KEELWAY_SHA": sha,
        "KEELWAY_ENVIRONMENT": spec.name,
        **{
            name: fill(value, release=release, sha=sha, environment=spec.name)
            for name, value in given.items()
        },
    }


def words(
    argv: tuple[str, ...], spec: EnvironmentSpec, release: str, sha: str, **more: str
) -> tuple[str, ...]:
    """Return a configured command with its placeholders filled."""
    return fill_all(argv, release=release, sha=sha, environment=spec.name, **more)
