"""Where a process sits among the workers of a store: which roles it has, and who has the branches and the releases."""

from __future__ import annotations

import json
import platform
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from keelway.app.config import STORE_ENVIRONMENT_NAME, Config
from keelway.app.home import Home
from keelway.clients.files import read_bounded, write_atomic
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.role import Role
from keelway.ports.ledger import Lease
from keelway.workflows.cast import BOUND

ALL = "all"
ROLES = (*(role.value for role in Role), ALL)
HUB = "hub"
"""Name of the lease and of the entry in the store that say which home has the branches and the releases."""

_ID = re.compile(r"[0-9a-f]{12}")
_BYTES_MAX = 100
_ROAMING = frozenset(ROLES) - BOUND
"""Roles that have work on every host."""
_BOUND = frozenset(ROLES) & BOUND
"""Roles without which a control plane could merge and deploy nothing."""


class Book(Protocol):
    """Keep leases and named values."""

    def lease(self, environment: str, holder: str, *, take_over: bool = False) -> Lease | None:
        """Take or renew a lease; ``None`` while somebody else holds it."""
        ...

    def state(self, key: str, default: str = "") -> str:
        """Return a value."""
        ...

    def set_state(self, key: str, value: str) -> None:
        """Keep a value."""
        ...


@dataclass(frozen=True)
class Hub:
    """Say where the branches and the releases of a store are, as its control plane left it there."""

    id: str
    host: str
    home: str
    repository: str
    policy: str
    """Digest of the policy under which it judges."""


@dataclass(frozen=True)
class Seat:
    """Say how a process takes part."""

    roles: tuple[str, ...]
    hub: Hub
    address: str = ""
    """Git address of the hub's repository; empty in the process that has it."""

    @property
    def place(self) -> str:
        """Return the place whose own queues this process serves, empty for a worker elsewhere."""
        return "" if self.address else self.hub.id


def many_workers(home: Home) -> bool:
    """Tell whether the store lets many processes work: PostgreSQL does, an SQLite file does not."""
    return home.store_url.startswith("postgresql")


def take_hub(book: Book, config: Config, home: Home) -> Seat:
    """Sit down as the control plane: the one process of a store that merges and deploys.

    Raises:
        YourFault: another home has the branches and the releases of this store, or the roles leave them to nobody.
    """
    roles = checked_roles(config.file.worker.roles)
    if ALL not in roles and not _BOUND.issubset(roles):
        raise YourFault(
            "roles_too_few",
            f"worker.roles of {config.path} leaves out what only the control plane can do.",
            f"add {' and '.join(sorted(_BOUND))} to worker.roles, or take it away: then it does everything",
        )
    hub = Hub(
        _id_of(home), platform.node(), str(home.root), str(home.repository), policy=config.policy.digest
    )
    if book.lease(HUB, hub.id) is None:
        other = read_hub(book)
        where = f"{other.home} on {other.host}" if other else "another home"
        raise YourFault(
            "hub_elsewhere",
            f"The branches and the releases of this store are in {where}, and there can be only one such place.",
            "work from here by `keelway worker --role dev`; a home that was lost comes back from its backup",
        )
    book.set_state(HUB, json.dumps(asdict(hub), sort_keys=True))
    return Seat(roles, hub)


def join_hub(book: Book, config: Config, home: Home, roles: tuple[str, ...]) -> Seat:
    """Sit down as a worker beside the control plane.

    Raises:
        YourFault: no control plane has run on this store, it judges by another policy, its repository
            has no address, or the roles have nothing to do here.
    """
    hub = read_hub(book)
    if hub is None:
        raise YourFault("no_hub_yet", "No control plane has worked on this store yet.", "keelway up, once")
    if Path(hub.home) == home.root and hub.host == platform.node():
        raise YourFault(
            "home_of_hub",
            f"{home.root} is the home of the control plane, whose process works there for all roles.",
            "keelway up; or give the worker a home of its own: KEELWAY_HOME=...",
        )
    if hub.policy != config.policy.digest:
        raise YourFault(
            "policy_differs",
            f"The policy of {config.path} and of its operator is not the one of the control plane on {hub.host}.",
            "bring keelway.toml and the operator's policy.toml to the same state on both, then keelway up there and start this worker again",
        )
    if not _ROAMING.intersection(roles):
        raise YourFault(
            "role_pinned",
            f"What {' and '.join(roles)} do is bound to the host of the control plane, {hub.host}: "
            "the releases run there and the branches move there.",
            "keelway worker --role dev --role plan; keelway up on that host does the rest",
        )
    return Seat(roles, hub, _address(config, hub))


def checked_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles that were asked for, each once.

    Raises:
        YourFault: there is none, or an unknown one.
    """
    known = f"use --role {', --role '.join(ROLES)}"
    if not roles:
        raise YourFault("no_role", "A worker needs to know what it works on.", known)
    for role in roles:
        if role not in ROLES:
            raise YourFault("unknown_role", f"There is no role {role!r}.", known)
    return (ALL,) if ALL in roles else tuple(dict.fromkeys(roles))


def insist_on_many(home: Home) -> None:
    """Refuse a worker beside an SQLite file.

    Raises:
        YourFault: the store is for one process.
    """
    if not many_workers(home):
        raise YourFault(
            "store_for_one",
            "The store of this project is an SQLite file, on which one process works. One machine: keelway up; "
            "many: PostgreSQL.",
            f"{STORE_ENVIRONMENT_NAME}=postgresql+psycopg://user@host/name, for keelway up and for every worker",
        )


def read_hub(book: Book) -> Hub | None:
    """Return where the branches and the releases are, ``None`` before the first start."""
    try:
        return Hub(**json.loads(book.state(HUB) or "null"))
    except (ValueError, TypeError):
        return None


def _address(config: Config, hub: Hub) -> str:
    if hub.host == platform.node() and Path(hub.repository).is_dir():
        return hub.repository
    if not config.file.worker.hub:
        raise YourFault(
            "no_hub_address",
            f"The repository of the control plane is {hub.repository} on {hub.host}, and nothing says how to reach it.",
            f'set [worker] hub = "ssh://{hub.host}{hub.repository}" in keelway.toml',
        )
    return config.file.worker.hub


def _id_of(home: Home) -> str:
    """Return the name of a home, made on its first start; it moves with the home."""
    path = home.root / HUB
    try:
        found = read_bounded(path, _BYTES_MAX).decode("ascii", "replace").strip()
    except FileNotFoundError:
        found = ""
    if found and not _ID.fullmatch(found):
        raise TheirFault(
            "home_damaged", f"{path} does not hold the name of a home.", "restore it from the backup"
        )
    if not found:
        found = secrets.token_hex(6)
        write_atomic(path, found.encode() + b"\n")
    return found
