"""The sections of ``keelway.toml``, with their defaults and one sentence on every key."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.model.project import (
    BlackBox,
    Branches,
    CheckCommand,
    MigrationCommands,
    ProbeSpec,
    ProcessCommand,
    Project,
)
from keelway.core.model.recipe import Recipe
from keelway.core.model.task import Person
from keelway.core.policy import Policy
from keelway.core.release.drill import DrillSpec
from keelway.core.strategy.choose import Strategy
from keelway.core.target.hook import HookSpec
from keelway.core.target.spec import TargetSpec


@dataclass(frozen=True)
class ProjectSection:
    """Describe the application in general."""

    name: str
    owner: str = "owner"
    """Who may ask and approve."""
    setup: tuple[str, ...] = ()
    """Command that makes a fresh checkout runnable."""
    setup_seconds_max: float = 600.0
    """How long the set-up may take."""
    path: tuple[str, ...] = ()
    """Directories of the checkout that go before ``PATH``."""
    tests: tuple[str, ...] = Project("x").test_paths
    """Patterns of test files."""
    sources: tuple[str, ...] = Project("x").source_paths
    """Patterns of files that tests must cover."""


@dataclass(frozen=True)
class DataSection:
    """Name the data of the application."""

    sqlite: str = ""
    """Database file, ``{data}`` being the data directory of the environment."""
    postgres: str = ""
    """PostgreSQL database: ``env:DATABASE_URL`` takes the address that the processes get under that name, secrets
    included; an address without a password may stand here itself."""
    mysql: str = ""
    """MySQL or MariaDB database, likewise: ``mysql://user@host:3306/name``, with ``?unix_socket=/path`` for a socket."""
    files: tuple[str, ...] = ()
    """Folders with files that users brought, such as ``{data}/uploads``."""
    encrypt: str = ""
    """Name of the secret with the age identity for which backups are encrypted; empty encrypts none."""
    log: str = ""
    """JSON-lines log file, ``{data}`` being the data directory of the environment."""


@dataclass(frozen=True)
class AgentSection:
    """Choose the coding agent."""

    use: str = "replay"
    """Name of an agent that Keelway knows (``keelway agents list``), path of a profile of your own, or ``replay``,
    ``acp`` and ``command`` for one that you describe here."""
    provider: str = ""
    """Name of the model provider that it is let to."""
    model: str = ""
    """Model that it asks, as the provider calls it."""
    argv: tuple[str, ...] = ()
    """For ``acp`` and ``command``: what starts the agent; ``${prompt}``, ``${url}``, ``${token}``, ``${model}`` and
    the like are filled in."""
    script: str = ""
    """Recorded script of the replay agent, relative to ``keelway.toml``."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the agent; besides it gets ``PATH``, ``LANG``, a private ``HOME`` and what its profile says."""


@dataclass(frozen=True)
class SandboxSection:
    """Fence what agents run."""

    use: str = "auto"
    """``auto`` takes the strongest that works here; ``bubblewrap``, ``landlock``, ``container``, or ``none``."""
    uid: int = 0
    """Numeric user that runs agents where Keelway is root, used for nothing else; 0 takes 61000."""
    image: str = ""
    """Image of the container sandbox, which has to be on this machine."""
    engine: str = ""
    """Address of the container engine, such as ``unix:///run/podman/podman.sock``; empty looks in the usual places."""
    read: tuple[str, ...] = ()
    """Directories of this machine that agents may read, such as toolchains outside ``/usr``."""
    egress: tuple[str, ...] = ()
    """What agents may reach through the proxy: ``pypi``, ``npm``, hosts, ``*.example.org``, ``host:port``, addresses."""
    memory_mb: int = 4096
    """Memory of one run; 0 is no bound."""
    processes_max: int = 512
    """Processes and threads of one run at a time; 0 is no bound."""
    disk_mb: int = 4096
    """What one run may add to its workspace and home; 0 is no bound."""
    temporary_mb: int = 1024
    """Size of each temporary directory of a run, which lives in memory; 0 is no bound."""
    checks: bool = True
    """Whether the checks of a patch run behind bubblewrap as well; false for as Keelway itself does."""


@dataclass(frozen=True)
class IndexSection:
    """Say where packages are looked up that a request or a plan names; nothing is installed by it."""

    use: str = "registry"
    """``registry`` asks the indexes below; ``offline`` asks none, and a person is asked about each new package."""
    pypi: str = ""
    """Simple index for Python, JSON form; empty for the one that ``UV_DEFAULT_INDEX``, ``UV_INDEX_URL`` or
    ``PIP_INDEX_URL`` name, else PyPI."""
    npm: str = ""
    """Registry for JavaScript; empty for the one that ``NPM_CONFIG_REGISTRY`` names, else npm's own."""
    packagist: str = ""
    """Composer repository for PHP; empty for Packagist."""
    seconds_max: float = 20.0
    """How long all look-ups for one plan may take together."""


@dataclass(frozen=True)
class ProviderSection:
    """Name a model provider that agents may use through the gateway, which keeps the key."""

    name: str
    """A name of your choice; ``openai``, ``anthropic``, ``gemini``, ``openrouter``, ``xai``, ``groq``, ``deepseek``
    and ``mistral`` bring their ``api`` and ``url`` along."""
    api: str = ""
    """What it speaks: ``openai`` (or only one of ``openai-chat`` and ``openai-responses``), ``anthropic``, ``gemini``."""
    url: str = ""
    """What its own SDK takes as base address."""
    key: str = ""
    """Name of its key in the secrets file; empty sends none."""
    models: tuple[str, ...] = ()
    """Models that agents may ask for; empty lets all."""
    prices: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Model to US dollars for a million tokens of input, of output and, if told, of cached input; ``"*"`` stands for
    every model that is not named."""
    hosted_tools: bool = False
    """Let tools run at the provider, such as its web search; they leave the sandbox, and their fees are not counted."""


@dataclass(frozen=True)
class EnvironmentSection:
    """Describe one environment."""

    port: int = 0
    """Loopback port that users call; 0 where ``url`` says what they call."""
    url: str = ""
    """Address that users call where the target does not keep the port itself, such as ``https://staging.example.org``."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the processes; ``{data}``, ``{release}``, ``{environment}`` and ``{log}`` are filled in."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name in the process to name in the secrets file."""
    target: TargetSpec = field(default_factory=TargetSpec)
    """What differs here from ``[target]``; only the keys that are named take its place."""


@dataclass(frozen=True)
class TrafficSection:
    """Say what holds the ports that users call and spreads their requests over releases."""

    use: str = "front"
    """``front`` is Keelway's own; ``haproxy`` and ``traefik`` are started and kept by Keelway."""
    binary: str = ""
    """Program of the balancer; empty takes the one on the search path."""


@dataclass(frozen=True)
class NotifySection:
    """Say who is told besides the log."""

    webhook: str = ""
    """Address that gets signed messages."""
    secret: str = ""
    """Name of the signing secret."""


@dataclass(frozen=True)
class DetectSection:
    """Let errors in production become fix tasks."""

    enabled: bool = False
    """Whether errors of the production log open tasks."""
    interval_seconds: float = 10.0
    """How often the log is read."""
    occurrences_min: int = 3
    """How often an error must occur before it opens a task."""


@dataclass(frozen=True)
class ServerSection:
    """Say where the control plane listens."""

    port: int = 0
    """Loopback port of the API and the status page; 0 takes a free one."""


@dataclass(frozen=True)
class StoreSection:
    """Say where the book, the engine and the artefacts are kept."""

    url: str = ""
    """``postgresql+psycopg://user@host/name`` for many machines; empty keeps an SQLite file in the home.
    The variable ``KEELWAY_STORE_URL`` wins, and is the place for a URL with a password."""
    artefacts: str = ""
    """Where large artefacts go: empty for files in the home, ``s3://bucket/prefix`` for an object store."""


@dataclass(frozen=True)
class WorkerSection:
    """Say how workers notice that one of them is gone, and where they meet."""

    beat_seconds: float = 2.0
    """How often a worker says that it lives."""
    lease_seconds: float = 10.0
    """After this time without a word a worker may not act any more, and the others take over its work."""
    roles: tuple[str, ...] = ("all",)
    """What ``keelway up`` itself works on beside other workers: ``all``, or ``review`` and ``ops`` with or without
    ``plan`` and ``dev``; without a PostgreSQL store it does everything."""
    hub: str = ""
    """Git address of the repository that the workers of other hosts fetch from and push to; empty on the host
    that has it."""


@dataclass(frozen=True)
class AuditSection:
    """Say how the record of everything that happened is signed."""

    key: str = ""
    """File with the private key (ed25519, PEM) that signs; empty makes one in the home that only its owner can read."""
    sign_seconds: float = 3_600.0
    """How often the end of the record is signed, besides at the close of each task."""


@dataclass(frozen=True)
class LogSection:
    """Say how the control plane and the workers log."""

    level: str = "info"
    """The least important level that is written: ``debug``, ``info``, ``warning`` or ``error``."""
    format: str = "text"
    """``text`` for people, ``json`` for machines: one object a line."""
    otlp: str = ""
    """Where spans are sent: the address of an OpenTelemetry collector; empty sends none."""


@dataclass(frozen=True)
class ConfigFile:
    """Mirror ``keelway.toml``."""

    project: ProjectSection
    staging: EnvironmentSection
    production: EnvironmentSection
    branches: Branches = field(default_factory=Branches)
    check: tuple[CheckCommand, ...] = ()
    process: tuple[ProcessCommand, ...] = ()
    probe: tuple[ProbeSpec, ...] = (ProbeSpec("healthz"),)
    black_box: tuple[BlackBox, ...] = ()
    migrate: MigrationCommands = field(default_factory=MigrationCommands)
    data: DataSection = field(default_factory=DataSection)
    target: TargetSpec = field(default_factory=TargetSpec)
    hooks: HookSpec = field(default_factory=HookSpec)
    agent: AgentSection = field(default_factory=AgentSection)
    index: IndexSection = field(default_factory=IndexSection)
    provider: tuple[ProviderSection, ...] = ()
    sandbox: SandboxSection = field(default_factory=SandboxSection)
    traffic: TrafficSection = field(default_factory=TrafficSection)
    strategy: Strategy = field(default_factory=Strategy)
    notify: NotifySection = field(default_factory=NotifySection)
    detect: DetectSection = field(default_factory=DetectSection)
    drill: DrillSpec = field(default_factory=DrillSpec)
    server: ServerSection = field(default_factory=ServerSection)
    store: StoreSection = field(default_factory=StoreSection)
    worker: WorkerSection = field(default_factory=WorkerSection)
    recipe: tuple[Recipe, ...] = ()
    person: tuple[Person, ...] = ()
    audit: AuditSection = field(default_factory=AuditSection)
    log: LogSection = field(default_factory=LogSection)
    policy: Policy = field(default_factory=Policy)
