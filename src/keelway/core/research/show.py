"""Show facts as text for a prompt: a section each, the important ones first, all of it bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from keelway.core.package.package import PackageFacts, State
from keelway.core.research.facts import Contract, Facts, Name, Outline

SHOWN_CHARS_MAX = 18_000
_LINE_CHARS_MAX = 300
_NAMES_SHOWN_MAX = 12


def shown(facts: Facts) -> str:
    """Return facts as text of at most ``SHOWN_CHARS_MAX`` characters; a section says when it was cut."""
    sections = (
        ("Application", _application(facts), 1_500),
        ("Files that the request names", list(facts.named), 700),
        ("Files beside those, as examples", list(facts.siblings), 900),
        (
            "Contracts and other places made to be extended",
            [_contract(each) for each in facts.contracts],
            3_400,
        ),
        ("Modules that matter most for the request", _each(facts.modules, _module), 5_000),
        (
            "Packages that the request names, by their index",
            [package_line(each) for each in facts.packages],
            1_000,
        ),
        (
            "Dependencies that are there",
            [f"{each.name} {each.asks}".strip() for each in facts.declared],
            1_200,
        ),
        ("Tests", list(facts.tests), 600),
        ("Style of the present code", list(facts.style), 500),
        (
            "Conventions, as people wrote them down",
            [f"{each.path}:\n{each.text}" for each in facts.conventions],
            2_800,
        ),
    )
    parts = [_section(title, rows, limit) for title, rows, limit in sections if rows]
    return "\n\n".join(parts)[:SHOWN_CHARS_MAX]


def package_line(fact: PackageFacts) -> str:
    """Return what an index says about a package, on one line; what it does not say is called unknown."""
    name = f"{fact.package.name} ({fact.package.ecosystem.value})"
    if fact.state is State.ABSENT:
        return f"{name}: the index has no such package"
    if fact.state is State.UNKNOWN:
        return f"{name}: unknown, {fact.why}"
    asked = (
        f"{fact.package.version}: {'there' if fact.version_known else 'no such version'}"
        if fact.package.version
        else ""
    )
    said = (
        asked,
        f"latest {fact.latest or 'unknown'}" + (f" of {fact.latest_at:%Y-%m-%d}" if fact.latest_at else ""),
        f"exists since {fact.first_at:%Y-%m-%d}" if fact.first_at else "age unknown",
        f"{fact.releases} releases",
        f"licence {fact.licence or 'unknown'}",
        fact.supports or "supported versions unknown",
        f"WITHDRAWN: {fact.withdrawn}" if fact.withdrawn else "",
    )
    return f"{name}: " + ", ".join(part for part in said if part)


def _application(facts: Facts) -> list[str]:
    languages = ", ".join(f"{language} {count}" for language, count in facts.languages)
    rows = [f"{facts.files} files, {facts.read} of them read. Languages: {languages or 'none known'}"]
    rows += [f"Runs on: {', '.join(facts.runtimes)}"] if facts.runtimes else []
    return [*rows, "Folders: " + ", ".join(f"{name}/ {count}" for name, count in facts.folders)]


def _contract(each: Contract) -> str:
    members = f": {', '.join(each.members)}" if each.members else ""
    filled = f"; filled by {', '.join(each.filled_by)}" if each.filled_by else ""
    return f"{each.kind} {each.name} in {each.path}{members}{filled}"


def _module(each: Outline) -> str:
    names = [_name(name) for name in each.names[:_NAMES_SHOWN_MAX]]
    more = len(each.names) - _NAMES_SHOWN_MAX
    doc = f" {each.doc}." if each.doc else ""
    return f"{each.path}:{doc} " + "; ".join([*names, *([f"{more} more"] if more > 0 else [])])


def _name(name: Name) -> str:
    if name.kind == "route":
        return f"route {name.detail} ({name.name})"
    bases = f"({', '.join(name.bases)})" if name.bases and name.kind in {"class", "contract"} else ""
    members = f" [{', '.join(name.members)}]" if name.members else ""
    kind = "" if name.kind in {"function", "value"} else f"{name.kind} "
    return f"{kind}{name.name}{name.detail}{bases}{members}"


def _each(items: Iterable[Outline], show: Callable[[Outline], str]) -> list[str]:
    return [show(item) for item in items]


def _section(title: str, rows: list[str], limit: int) -> str:
    kept: list[str] = []
    size = 0
    for row in rows:
        cut = row if "\n" in row else row[:_LINE_CHARS_MAX]
        if kept and size + len(cut) > limit:
            kept.append(f"({len(rows) - len(kept)} more)")
            break
        kept.append(cut[:limit])
        size += len(cut)
    return f"# {title}\n" + "\n".join(kept)
