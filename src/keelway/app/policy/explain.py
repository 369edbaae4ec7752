"""Say of every threshold in force what it is, where it comes from and which way it may be altered."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.policy.force import InForce, in_force
from keelway.app.policy.setup import setup_of
from keelway.app.policy.trust import Trust
from keelway.app.reference.source import one_line, settings_of
from keelway.core.autonomy.ladder import standing_after
from keelway.core.errors import KeelwayError, YourFault
from keelway.core.policy import Policy
from keelway.core.policy.ceiling import DEFAULT, OPERATOR, shown
from keelway.core.policy.direction import direction_of, thresholds


@dataclass(frozen=True)
class Threshold:
    """Describe one threshold in force."""

    key: str
    value: str
    """As it is written in TOML."""
    default: str
    source: str
    """``default``, ``operator`` or ``repository``."""
    where: str
    """The file that states it, empty for a default."""
    stricter: str
    """Which way a repository may alter what an operator states."""
    ceiling: str
    """What the operator allows at most, empty when nothing bounds it."""
    sentence: str


@dataclass(frozen=True)
class PolicyView:
    """Show the policy that the next task would get."""

    digest: str
    operator: str
    """The operator's file, empty without one."""
    bind_defaults: bool
    repository: str
    setup: str
    """Digest of the present set-up of the agent, empty when it cannot be known."""
    standing: str
    """How far that set-up is trusted, in words."""
    thresholds: tuple[Threshold, ...]


def explain(config: Config, home: Home, key: str = "") -> PolicyView:
    """Return every threshold in force, or those below a key such as ``guardrail`` or ``plan.lines_high``.

    Raises:
        YourFault: there is no such key, or the policy on the base branch cannot be used.
    """
    found = in_force(config, home)
    wanted = key.removeprefix("policy.").strip(".")
    rows = tuple(
        _threshold(config, found, name, value)
        for name, value in thresholds(found.policy)
        if not wanted or name == wanted or name.startswith(f"{wanted}.")
    )
    if not rows:
        known = [name for name, _ in thresholds()]
        near = difflib.get_close_matches(wanted, known, 1)
        hint = f"keelway policy explain {near[0]}" if near else "keelway policy explain"
        raise YourFault("unknown_threshold", f"There is no threshold {wanted!r}.", hint)
    ceiling = config.ceiling
    return PolicyView(
        found.policy.digest,
        str(ceiling.path or ""),
        ceiling.bind_defaults,
        found.repository,
        *_standing(config, home, found.policy),
        rows,
    )


def _standing(config: Config, home: Home, policy: Policy) -> tuple[str, str]:
    """Read how far the present set-up is trusted; without a book it has nothing to show."""
    from keelway.store.database import open_database
    from keelway.store.ledger import SqlLedger

    try:
        setup = setup_of(config).digest
    except KeelwayError as fault:
        return "", fault.message
    if not home.has_book:
        return setup, standing_after((), policy.autonomy).sentence
    database = open_database(home.database_url)
    try:
        return setup, Trust(config, SqlLedger(database, home.root)).standing(policy).sentence
    except (KeelwayError, SQLAlchemyError) as error:
        return setup, f"the book cannot be read: {error}"
    finally:
        database.dispose()


def _threshold(config: Config, found: InForce, key: str, value: Any) -> Threshold:
    source = found.combined.sources.get(key, DEFAULT)
    where = {DEFAULT: "", OPERATOR: str(config.ceiling.path)}.get(source, found.repository)
    default, limit = _at(Policy(), key), _at(found.combined.limits, key)
    bound = key in found.combined.bound
    return Threshold(
        key,
        shown(value),
        shown(default),
        source,
        where,
        direction_of(key).sentence,
        shown(limit) if bound else "",
        _sentence(key),
    )


def _at(policy: Policy, key: str) -> Any:
    value: Any = policy
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _sentence(key: str) -> str:
    *rooms, name = key.split(".")
    owner: Any = Policy()
    for room in rooms:
        owner = getattr(owner, room)
    settings = {setting.name: setting.sentence for setting in settings_of(type(owner))}
    return one_line(settings[name])
