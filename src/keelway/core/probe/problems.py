"""Find what a configured question can never be answered with, before it takes a good release back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from keelway.core.model.plan import METHODS, is_plain_target
from keelway.core.model.project import PRODUCTION, STAGING, ProbeSpec

KINDS = frozenset({"http", "command", "sql", "queue", "channel", "tls"})
PORT_MAX = 65_535
_OVER_HTTP = frozenset({"http", "queue", "channel"})
_DATABASES = ("postgresql://", "postgres://", "secret:")


def probe_problems(
    probes: Iterable[ProbeSpec], own_kinds: frozenset[str] = frozenset(), sqlite: str = ""
) -> list[str]:
    """Return what can never work.

    Args:
        probes: every question of the project.
        own_kinds: kinds that a plug-in or a file of the operator answers.
        sqlite: the project's database file, which a query without a database is put to.
    """
    specs = tuple(probes)
    names = [spec.name for spec in specs]
    wrong = [f"probe {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    for spec in specs:
        known = spec.kind in KINDS or spec.kind in own_kinds or spec.kind.endswith(".py")
        faults = _faults(spec, sqlite) if known else [f"has the unknown kind {spec.kind!r}"]
        wrong += [f"probe {spec.name!r} {fault}" for fault in faults]
    for environment in (STAGING, PRODUCTION):
        if specs and not any(spec.kind == "http" and spec.asked_in(environment) for spec in specs):
            wrong.append(
                f"there is no [[probe]] of the kind http for {environment}; nothing says when it is ready"
            )
    return wrong


def _faults(spec: ProbeSpec, sqlite: str) -> Iterator[str]:
    if unknown := [name for name in spec.environments if name not in {STAGING, PRODUCTION}]:
        yield f"names the unknown environment {unknown[0]!r}"
    if not spec.latency_ms_max > 0:
        yield "has no time to be answered in"
    if spec.kind in _OVER_HTTP:
        yield from _http_faults(spec)
    yield from _needs(spec, sqlite)


def _needs(spec: ProbeSpec, sqlite: str) -> Iterator[str]:
    if spec.kind == "command" and not spec.run:
        yield "has no command to run"
    if spec.kind == "sql":
        yield from _sql_faults(spec, sqlite)
    if spec.kind == "tls" and not is_address(spec.address):
        yield f"has no address like host:443 but {spec.address!r}"
    if spec.kind == "queue" and not spec.then.path:
        yield "has no then.path, where the work that it hands in is seen again"
    if spec.counts and spec.kind not in {"sql", "command"}:
        yield "counts, which only sql and command can"


def _http_faults(spec: ProbeSpec) -> Iterator[str]:
    for where, path, method in (
        ("path", spec.path, spec.method),
        ("then.path", spec.then.path, spec.then.method),
    ):
        if path and not is_plain_target(path.replace("{", "").replace("}", "")):
            yield f"has no path of the application as {where}: {path!r}"
        if method not in METHODS:
            yield f"asks with {method!r}; known: {', '.join(sorted(METHODS))}"
    place, _, name = spec.release.partition(" ")
    if spec.release and (place not in {"json", "header"} or not name):
        yield f"names its release as {spec.release!r}; write json FIELD or header NAME"
    if not _no_control(spec.send_headers):
        yield "sends a header with a control character"


def _sql_faults(spec: ProbeSpec, sqlite: str) -> Iterator[str]:
    if not spec.query:
        yield "has no query"
    if not spec.database and not sqlite:
        yield "has no database, and data.sqlite names none"
    if "://" in spec.database and not spec.database.startswith(_DATABASES):
        yield "asks a database that is neither SQLite nor PostgreSQL; use the kind command"
    if "@" in spec.database and ":" in spec.database.partition("://")[2].rpartition("@")[0]:
        yield "holds a password; put the address into the secrets file and write secret:NAME"


def is_address(address: str) -> bool:
    """Tell whether a text is a host and a port."""
    host, colon, port = address.rpartition(":")
    return bool(host and colon and port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX)


def _no_control(headers: Mapping[str, str]) -> bool:
    return all(text.isprintable() for pair in headers.items() for text in pair)
