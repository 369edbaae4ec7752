"""Thresholds of the stages in which a change is made: intake, plan, development, review."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.policy.unit import DAY_SECONDS, MINUTE_SECONDS


@dataclass(frozen=True)
class IntakePolicy:
    """Decide which requests become tasks."""

    allowed_triggers: str = "owner"
    """Who may ask: ``owner``, ``all`` or ``none``."""
    allowed_actors: tuple[str, ...] = ()
    """Names that may ask besides the owner."""
    domain_words: tuple[str, ...] = ()
    """A request must hold one of these words; empty accepts every development request."""
    request_chars_max: int = 8_000
    """The longest request that is read."""
    tasks_per_hour_max: int = 20
    """How many tasks may be opened in one hour, all requesters together."""


@dataclass(frozen=True)
class PlanPolicy:
    """Decide which plans go on without a person."""

    auto_approve_risk: str = "low"
    """The highest risk that passes alone: ``none``, ``low`` or ``medium``."""
    lines_medium: int = 150
    """An estimate above this many changed lines is at least medium risk."""
    lines_high: int = 600
    """An estimate above this many changed lines is high risk."""
    files_medium: int = 20
    """A plan that names more files than this is at least medium risk."""
    revisions_max: int = 5
    """How many rounds of remarks a plan may go through."""


@dataclass(frozen=True)
class DevelopmentPolicy:
    """Bound the develop loop."""

    iterations_max: int = 10
    """How many times the agent may try before a person is asked."""
    typecheck_attempts_max: int = 3
    """How many iterations may end in a type-check failure."""
    same_failure_max: int = 2
    """Escalate when this many iterations in a row end in the identical failure."""
    silence_seconds_max: float = 5 * MINUTE_SECONDS
    """How long an agent may say nothing."""
    diff_coverage_min: float = 1.0
    """The share of changed executable lines that a passing test must run."""
    tool_calls_max: int = 200
    """How many tool calls one agent run may make."""
    black_box: str = "when_configured"
    """Whether the running application is asked before a merge: ``off``, ``when_configured`` or ``required``."""
    flaky_runs: int = 3
    """How often a test that turned red is run again alone on the old commit, to see whether it was always flaky."""
    flaky_max: int = 3
    """How many flaky tests one judgement may excuse; with more of them nothing is excused."""
    undo: bool = True
    """Take an iteration back, before the next one begins, that turned tests red which were green before it."""


@dataclass(frozen=True)
class GuardrailPolicy:
    """State what a patch may not contain or touch."""

    forbidden: tuple[str, ...] = ()
    """Path patterns that nobody but a person may alter, besides the built-in ones."""
    owned: tuple[str, ...] = ()
    """Path patterns that need a person's approval, besides the built-in ones."""
    files_max: int = 50
    """The largest number of files in a patch."""
    lines_max: int = 2_000
    """The largest number of added and removed lines in a patch."""
    bytes_max: int = 4_000_000
    """The largest amount of added and removed text in a patch."""


@dataclass(frozen=True)
class ReviewPolicy:
    """Decide what is merged."""

    auto_merge_risk: str = "none"
    """The highest risk that merges without a person: ``none``, ``low`` or ``medium``."""
    ci_retries_max: int = 2
    """How often a failed review goes back to development."""
    approve_stages: tuple[str, ...] = ()
    """Stages that always need a person: ``planning``, ``review``, ``staging``, ``production``."""
    approval_seconds_max: float = 3 * DAY_SECONDS
    """After this time an unanswered question is answered by ``approval_expiry``."""
    approval_expiry: str = "deny"
    """What an unanswered question becomes: ``deny``, ``wait``, or ``escalate``, which tells a wider circle and
    denies after ``escalation_seconds_max`` more."""
    escalate_to: tuple[str, ...] = ()
    """Names of persons who are told of an escalated question, and may answer it then."""
    escalation_seconds_max: float = DAY_SECONDS
    """How long an escalated question waits before that is a no."""
    reminder_seconds: float = DAY_SECONDS / 3
    """How often a waiting question is repeated."""
    reviewer: str = "off"
    """Whether an agent reviews each change before its merge: ``off``, ``advisory`` (its remarks are shown) or
    ``required`` (its block sends the change back, and a person decides where it could not review)."""
    single_user: bool = True
    """Let the requester approve the own task; recorded with every such approval."""


@dataclass(frozen=True)
class DependencyPolicy:
    """Decide which new packages a plan may bring in; what no index says asks a person."""

    age_days_min: int = 90
    """How long ago a package must have appeared first; 0 for any."""
    licences: tuple[str, ...] = (
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    )
    """Licences that a new package may have; empty allows every one."""
    hosts: tuple[str, ...] = (
        "pypi.org",
        "files.pythonhosted.org",
        "registry.npmjs.org",
        "repo.packagist.org",
        "github.com",
        "api.github.com",
    )
    """Hosts that a lock file may name besides those that it names already: indexes, and for Composer the places of
    its archives."""


@dataclass(frozen=True)
class ScanPolicy:
    """Decide which scanners look at each patch; a scanner that is named and not installed is not passed."""

    tools: tuple[str, ...] = ("known_secrets",)
    """Any of ``known_secrets`` (needs nothing), ``detect_secrets``, ``bandit``, ``semgrep``, ``zizmor``, ``pip_audit``
    and ``npm_audit``."""
    seconds_max: float = 120.0
    """How long one scanner may take."""
    rules: str = ""
    """Absolute path of the rules of ``semgrep``, outside of the repository; it never asks a registry for rules."""
    feed: str = ""
    """Address of an OSV service that ``pip_audit`` asks; empty asks the index of Python packages."""
