"""A terminal per test, in this process for speed."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.rig import CONFIG, Said, Serving, Terminal
from tests.web.rig import House

from keelway.cli import main


@pytest.fixture
def type_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run a command in this process, in a project directory, without a terminal."""
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "keelway.toml").write_text(CONFIG)

    def run(*words: str, home: Path, stdin: str = "", code_only: bool = False) -> Said:
        del code_only
        monkeypatch.setenv("KEELWAY_HOME", str(home))
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["keelway", "-C", str(repository), *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Said(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def make_terminal(tmp_path: Path, type_here: Callable[..., Said]) -> Iterator[Callable[..., Terminal]]:
    """Make a house that is served over HTTP, and a terminal in front of it."""
    houses: list[tuple[House, Serving]] = []

    def make(*, serve: bool = True, **settings: Any) -> Terminal:
        home = tmp_path / f"home{len(houses)}"
        home.mkdir()
        house = House.build(home, **settings)
        if serve:
            houses.append((house, Serving(house)))
        else:
            houses.append((house, None))  # type: ignore[arg-type]
        return Terminal(house, lambda words, stdin: type_here(*words, home=home, stdin=stdin or ""))

    yield make
    for house, serving in houses:
        if serving is not None:
            serving.stop()
        house.world.close()


@pytest.fixture
def terminal(make_terminal: Callable[..., Terminal]) -> Terminal:
    return make_terminal()
