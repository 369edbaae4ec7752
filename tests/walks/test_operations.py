"""The operations page is true: its commands are typed as they stand there, on a store of a small repository."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.walks.tiny import config, free_ports, git, make_repository

from keelway.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "operate.md"
PAGES = (PAGE, ROOT / "docs" / "how-to" / "one-to-many.md")
SAFE = "/somewhere/safe"
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(300)


def blocks(page: Path) -> dict[str, str]:
    """Return the shell commands of a page by heading."""
    parts = re.split(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)[1:]
    return {
        heading: "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }


def commands() -> list[str]:
    """Return every command line of ours on the pages."""
    text = "\n".join(block for page in PAGES for block in blocks(page).values())
    inline = "\n".join(re.findall(r"`(keelway [^`]+)`", "\n".join(page.read_text() for page in PAGES)))
    found = re.findall(r"^(keelway .*)$", f"{text}\n{inline}", re.MULTILINE)
    return sorted(line for line in set(found) if "..." not in line)


@pytest.mark.parametrize("line", commands())
def test_the_command_line_takes_every_command_of_the_pages(line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    while known := getattr(command, "commands", None):
        assert words[:1], line
        assert words[0] in known, line
        command = known[words.pop(0)]
    command.make_context("keelway", words)  # raises when it does not know an option


class Operator:
    """Follow the page in a repository, with a home and a safe place of their own."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.home, self.safe = make_repository(folder), folder / "h", folder / "safe"
        self.safe.mkdir()
        (self.repository / "keelway.toml").write_text(config(free_ports(2)))
        git(self.repository, "add", "keelway.toml")
        git(self.repository, "commit", "-q", "-m", "Configure Keelway")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("KEELWAY")}
        self.env = {**plain, "KEELWAY_HOME": str(self.home), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def types(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run lines of the shell until one of them fails."""
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.repository,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def follows(self, heading: str, *, without: str = "^$", before: tuple[str, str] = ("", "")) -> str:
        """Type a block of the page, but for lines that match, and with something before a line."""
        lines = [line for line in blocks(PAGE)[heading].splitlines() if not re.search(without, line)]
        assert lines, f"the page says nothing about {heading}"
        line, first = before
        script = "\n".join(f"{first}\n{each}" if each == line else each for each in lines)
        done = self.types(script.replace(SAFE, str(self.safe)))
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.mark.soak
def test_the_store_is_copied_put_back_tidied_and_frozen_as_the_page_says(operator: Operator) -> None:
    made = operator.types(
        "keelway db upgrade; keelway freeze looking; git init -q --bare $KEELWAY_HOME/repository.git"
    )
    assert made.returncode == 0, made.stderr
    assert operator.types("git push -q $KEELWAY_HOME/repository.git main").returncode == 0
    operator.follows("Back up")
    kept = {path.name for path in operator.safe.iterdir()}
    assert kept == {"keelway.sqlite", "repository.bundle", "audit.head"}

    assert operator.types("keelway unfreeze").returncode == 0  # now the witness is ahead of the backup
    running = "keelway (up|down) "
    told = operator.follows("Restore", without=running, before=("keelway db check", "keelway freeze again"))
    assert "Nothing is wrong" in told
    assert (operator.home / "audit.head.before-restore").is_file()
    operator.follows("What is kept, and for how long", without="dry-run")
    operator.follows("Upgrade", without=f"{running}|pip|upgrade$")

    (operator.home / "keelway.sqlite").write_bytes(b"this is no database\n" * 200)
    frozen = operator.follows("Freeze, also with the database down", without="unfreeze|doctor")
    assert "FROZEN" in frozen
    seen = operator.types("keelway doctor --no-agent")
    assert seen.returncode == 1, "the store is broken"
    assert "the database is being moved" in seen.stdout
    assert operator.types("keelway unfreeze").returncode == 0
    assert not (operator.home / "FREEZE").exists()


@pytest.fixture
def serving(operator: Operator) -> Iterator[Operator]:
    up = operator.types(blocks(PAGE)["Upgrade"].splitlines()[-1])
    assert up.returncode == 0, up.stdout + up.stderr
    yield operator
    operator.types("keelway down --yes")


@pytest.mark.soak
def test_a_running_installation_is_looked_at_copied_and_put_back(serving: Operator) -> None:
    assert "healthy" in serving.follows("Is all well?")
    serving.follows("Back up")
    assert serving.types("keelway freeze later; keelway unfreeze").returncode == 0
    assert "Nothing is wrong" in serving.follows("Restore")
    serving.follows("What is kept, and for how long")
    serving.follows("Upgrade", without="pip")
    assert "healthy" in serving.follows("Is all well?")
