"""The application under delivery: its checks, processes, environments and branches, as facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from keelway.core.errors import YourFault
from keelway.core.model.recipe import Recipe
from keelway.core.model.task import Person
from keelway.core.strategy.choose import Strategy
from keelway.core.target.hook import HookSpec
from keelway.core.target.spec import TargetSpec

STAGING, PRODUCTION = "staging", "production"


@dataclass(frozen=True)
class CheckCommand:
    """Describe one check; ``{junit}`` and ``{coverage}`` in the command name its report files."""

    name: str
    run: tuple[str, ...]
    kind: str = "lint"
    """``lint``, ``types``, ``tests``, ``build`` or ``audit``."""
    seconds_max: float = 600.0
    related: tuple[str, ...] = ()
    """Quicker command for the tests that belong to the files in ``{changed}``; it is asked while an agent iterates."""
    only: tuple[str, ...] = ()
    """Command that runs just the tests in ``{tests}``; empty hands their names to a pytest and else runs them all."""
    fenced: bool = True
    """Whether it runs behind the sandbox, without a network; false for a check that needs a service of this machine."""


@dataclass(frozen=True)
class ProcessCommand:
    """Describe one process of a release; the one named ``web`` receives traffic on ``$PORT``."""

    name: str
    run: tuple[str, ...]
    stop_seconds: float = 10.0


@dataclass(frozen=True)
class BlackBox:
    """Describe how the application is asked from outside, in a process of its own, before a patch is merged."""

    name: str
    use: str = "http"
    """``http`` starts it once and sends requests to ``$PORT``; ``command`` runs it once for each question."""
    run: tuple[str, ...] = ()
    """Command; empty starts the process ``web``. ``{port}`` and ``{data}`` are filled in."""
    before: tuple[str, ...] = ()
    """Command that prepares the empty ``{data}`` first, such as a migration."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment besides that of staging; no secrets are given."""
    ready: str = "/healthz"
    """Path that answers below 500 as soon as it can be asked."""
    asks: tuple[str, ...] = ()
    """Questions for the old and the new release: ``GET /ships?limit={number}`` with an optional JSON body behind it, or
    words for the command. ``{number}``, ``{number:1-50}``, ``{word}`` and ``{one:a|b}`` are filled in anew each time."""
    rounds: int = 5
    """How often each question with a placeholder is asked, with other values each time."""
    seconds_max: float = 60.0
    """How long starting and asking may take together."""


@dataclass(frozen=True)
class FollowUp:
    """Describe what is asked after a good answer; ``{answer.id}`` is filled in from the JSON of that answer."""

    path: str = ""
    """Path; empty asks nothing more."""
    method: str = "GET"
    status: int = 200
    """Status that it has to answer with."""
    body_contains: str = ""
    """Text that the answer has to hold."""
    send_json: str = ""
    """Body as JSON text."""


@dataclass(frozen=True)
class ProbeSpec:
    """Describe one health question; ``{nonce}``, ``{number}``, ``{release}``, ``{environment}`` are filled in each time."""

    name: str
    path: str = "/healthz"
    method: str = "GET"
    status: int = 200
    body_contains: str = ""
    send_json: str = ""
    latency_ms_max: float = 5_000.0
    """How long everything that belongs to the question may take."""
    kind: str = "http"
    """``http``, ``command``, ``sql``, ``queue``, ``channel``, ``tls``, or a probe of your own."""
    environments: tuple[str, ...] = ()
    """Where it is asked; empty for everywhere."""
    body_lacks: str = ""
    """Text that the answer must not hold."""
    headers: dict[str, str] = field(default_factory=dict)
    """Text that a header of the answer has to hold; an empty one only has to be there."""
    send_headers: dict[str, str] = field(default_factory=dict)
    """Headers that are sent; ``{secret:NAME}`` is filled in from the secrets file."""
    release: str = ""
    """Where the answer says which release it comes from: ``json release`` or ``header X-Release``; another one is ill."""
    then: FollowUp = field(default_factory=FollowUp)
    """``queue``: asked again and again until it is answered well. ``channel``: the message that is sent after the ping."""
    each: tuple[str, ...] = ()
    """Names that are asked one after the other, such as those of channels; ``{each}`` is filled in."""
    run: tuple[str, ...] = ()
    """``command``: what is run; 0 is well. ``{url}``, ``{data}`` and ``{tree}`` are filled in."""
    query: str = ""
    """``sql``: question whose first row is looked at; the connection cannot write."""
    database: str = ""
    """``sql``: ``postgresql://...``, path of an SQLite file, or ``secret:NAME``; empty for ``data.sqlite``."""
    value_min: float | None = None
    """The least that the first number of the answer may be."""
    value_max: float | None = None
    """The most that the first number of the answer may be."""
    counts: bool = False
    """The first two numbers are totals that only grow, work done and work failed: more failures count as errors do."""
    address: str = ""
    """``tls``: ``host:port`` whose certificate is looked at."""
    days_min: float = 14.0
    """``tls``: days that the certificate has to be good for."""
    trust: str = ""
    """``tls``: file with the authority to trust; empty for those of the system."""

    def asked_in(self, environment: str) -> bool:
        """Tell whether the question belongs to an environment."""
        return not self.environments or environment in self.environments

    @property
    def surroundings(self) -> bool:
        """Tell whether it asks about what no release brings along or could cure, such as a certificate."""
        return self.kind == "tls"


@dataclass(frozen=True)
class MigrationCommands:
    """Describe how the schema moves; ``{steps}`` in ``down`` is the number of steps.

    ``status`` prints the current schema version as an integer, alone or as JSON ``{"version": n}``.
    """

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    seconds_max: float = 900.0
    """How long one move may take."""


@dataclass(frozen=True)
class DataSpec:
    """Describe what an environment keeps besides an SQLite file."""

    postgres: str = ""
    """Address of a PostgreSQL database, or ``env:NAME`` for what its processes get under that name; empty for none."""
    mysql: str = ""
    """The same of a MySQL or MariaDB database."""
    files: tuple[str, ...] = ()
    """Folders, ``{data}`` being the data directory of the environment."""
    encrypt: str = ""
    """Name of the secret that holds the age identity for which backups are encrypted; empty for none."""


@dataclass(frozen=True)
class EnvironmentSpec:
    """Describe one place where releases run."""

    name: str
    port: int
    """Loopback port that the front keeps; 0 where the application has an address of its own."""
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    """Name in the process to reference in the vault; never a value."""
    host: str = "127.0.0.1"
    url: str = ""
    """Address that users call; empty for the port here."""
    target: TargetSpec = field(default_factory=TargetSpec)

    @property
    def address(self) -> str:
        """Return the address that users call."""
        return self.url.rstrip("/") or f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class Branches:
    """Name the branches of the delivery flow."""

    integration: str = "develop"
    production: str = "main"
    feature_prefix: str = "feature/"
    hotfix_prefix: str = "hotfix/"

    @property
    def protected(self) -> frozenset[str]:
        """Return the branches that only a merge of ours may move."""
        return frozenset({self.integration, self.production})


def no_environment(name: str, known: Iterable[str]) -> YourFault:
    """Return what to say of a name that no environment has."""
    return YourFault(
        "no_environment",
        f"There is no environment {name!r}; known: {', '.join(known) or 'none'}.",
        "correct the name",
    )


@dataclass(frozen=True)
class Project:
    """Hold everything that Keelway must know about the application."""

    name: str
    branches: Branches = field(default_factory=Branches)
    setup: tuple[str, ...] = ()
    """Command that makes a fresh checkout runnable, for example ``uv sync --frozen``."""
    setup_seconds_max: float = 600.0
    path: tuple[str, ...] = ()
    """Directories inside the checkout that go before ``PATH``."""
    checks: tuple[CheckCommand, ...] = ()
    test_paths: tuple[str, ...] = ("tests/*", "test/*", "*/tests/*", "test_*.py", "*_test.py", "*conftest.py")
    source_paths: tuple[str, ...] = ("src/*", "*.py")
    processes: tuple[ProcessCommand, ...] = ()
    probes: tuple[ProbeSpec, ...] = (ProbeSpec("healthz"),)
    migrate: MigrationCommands = field(default_factory=MigrationCommands)
    sqlite: str = ""
    """Database file of an environment, ``{data}`` being its data directory; empty for none."""
    data: DataSpec = field(default_factory=DataSpec)
    """What an environment keeps besides."""
    log: str = ""
    """JSON-lines log of an environment, ``{data}`` being its data directory; empty for none."""
    environments: tuple[EnvironmentSpec, ...] = ()
    owner: str = "owner"
    recipes: tuple[Recipe, ...] = ()
    black_boxes: tuple[BlackBox, ...] = ()
    hooks: HookSpec = field(default_factory=HookSpec)
    strategy: Strategy = field(default_factory=Strategy)
    people: tuple[Person, ...] = ()
    """Who may be asked besides the owner, and by which accounts they are known."""

    @property
    def backed_up(self) -> bool:
        """Tell whether there is a database that is backed up before each deploy."""
        return bool(self.sqlite or self.data.postgres or self.data.mysql)

    def environment(self, name: str) -> EnvironmentSpec:
        """Return the environment called ``name``.

        Raises:
            KeyError: there is none.
        """
        return {spec.name: spec for spec in self.environments}[name]

    def named(self, environment: str) -> EnvironmentSpec:
        """Return the environment that somebody named.

        Raises:
            YourFault: there is none of this name (``no_environment``).
        """
        try:
            return self.environment(environment)
        except KeyError:
            raise no_environment(environment, (spec.name for spec in self.environments)) from None

    def probes_in(self, environment: str, *, surroundings: bool = False) -> tuple[ProbeSpec, ...]:
        """Return the health questions of an environment, with those about its surroundings if they are asked for."""
        return tuple(
            spec
            for spec in self.probes
            if spec.asked_in(environment) and (surroundings or not spec.surroundings)
        )

    def readiness(self, environment: str) -> tuple[ProbeSpec, ...]:
        """Return the questions that a release answers by itself, before it has traffic and workers."""
        return tuple(spec for spec in self.probes_in(environment) if spec.kind == "http")

    def is_test(self, path: str) -> bool:
        """Tell whether ``path`` belongs to the tests."""
        return any(fnmatchcase(path, pattern) for pattern in self.test_paths)

    def is_source(self, path: str) -> bool:
        """Tell whether ``path`` is code that a test must cover."""
        return not self.is_test(path) and any(fnmatchcase(path, pattern) for pattern in self.source_paths)
