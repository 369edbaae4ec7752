"""Name every generated reference page, and write those that are stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keelway.app.reference import agents, configuration, events, lifecycle, policy, ports
from keelway.store.tables import reference as store

PAGES: dict[str, Callable[[str], str]] = {
    "agents.md": agents.page,
    "config.md": configuration.page,
    "policy.md": policy.page,
    "lifecycle.md": lifecycle.page,
    "events.md": events.page,
    "ports.md": ports.page,
    "store.md": store.inserted,
}
"""File name to a function that gets the present text and returns what it should be."""


def stale(folder: Path) -> dict[str, str]:
    """Return the pages of a folder that differ from the code, with their new text."""
    wanted = {name: make(_present(folder / name)) for name, make in PAGES.items()}
    return {name: text for name, text in wanted.items() if text != _present(folder / name)}


def write(folder: Path) -> tuple[str, ...]:
    """Write the stale pages of a folder; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = stale(folder)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(pages)


def _present(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
