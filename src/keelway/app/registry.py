"""Adapters by name: a file of ours, an installed plug-in, or one file of the operator's own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import keelway.adapters
from keelway.core.errors import YourFault


def names(port: str) -> tuple[str, ...]:
    """Return the names that a configuration may use for a port, without importing any of them."""
    rooms = [str(Path(place) / port) for place in keelway.adapters.__path__]
    ours = {
        module.name
        for module in pkgutil.iter_modules(rooms)
        if "_" not in module.name or module.name in _WHOLE
    }
    theirs = {entry.name for entry in entry_points(group=f"keelway.{port}")}
    return tuple(sorted(ours | theirs))


_WHOLE = frozenset({"private_clone", "known_secrets", "detect_secrets", "pip_audit", "npm_audit", "git_pull"})
"""Adapter files whose own name has two words; other such files are parts of an adapter."""


def load(port: str, name: str, *, outside: Path | None = None) -> Any:
    """Return the adapter class of a name, or of a path to a Python file.

    Raises:
        YourFault: there is no such adapter, or the file lies inside ``outside``, the repository that
            agents write to.
    """
    if name.endswith(".py"):
        return _from_file(port, Path(name).resolve(), outside)
    for entry in entry_points(group=f"keelway.{port}"):
        if entry.name == name:
            return entry.load()
    if name not in names(port):
        raise YourFault(
            "unknown_adapter", f"There is no {port} called {name!r}.", f"use one of: {', '.join(names(port))}"
        )
    return importlib.import_module(f"keelway.adapters.{port}.{name}").ADAPTER


def _from_file(port: str, path: Path, outside: Path | None) -> Any:
    if outside is not None and path.is_relative_to(outside.resolve()):
        raise YourFault(
            "adapter_in_repository",
            f"{path} lies in the repository, where an agent could alter it.",
            "move it to a directory of yours",
        )
    spec = importlib.util.spec_from_file_location(f"keelway_private_{port}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise YourFault("unknown_adapter", f"{path} is not a Python file.", "correct the path")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ADAPTER
