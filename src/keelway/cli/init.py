"""Set a repository up: at most three questions, each with a detected answer."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keelway.cli.shared import Json, Scope, out
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from keelway.app.initialise.draft import Draft
    from keelway.app.initialise.write import Answers

group = typer.Typer()


@group.command("init")
def init(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="Name of the application.")] = "",
    web: Annotated[str, typer.Option(help="Command of the web process; {port} is its port.")] = "",
    port: Annotated[
        int, typer.Option(min=0, max=65_000, help="Port of production; staging is 100 above.")
    ] = 0,
    health: Annotated[str, typer.Option(help="Path that answers 200 when all is well.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what was detected.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Detect checks, set-up, web command and agent, and write keelway.toml."""
    from keelway.app.initialise.write import Answers, document, save
    from keelway.cli.show.text import say

    root = (ctx.find_object(Scope) or Scope(Path.cwd())).directory.resolve()
    draft: Draft = _draft(root, dry_run)
    given = Answers(name, tuple(shlex.split(web)), port, health or draft.health, _branch(root))
    answers = _complete(root, draft, given, quiet=yes or dry_run or not sys.stdin.isatty())
    text = document(draft, answers)
    if dry_run:
        out({"file": text, "notes": draft.notes}, as_json, lambda _: print(text, end=""))
        return
    path = save(root, text)
    told = [f"{path} was written for a {draft.language} project.", *(f"Note: {note}" for note in draft.notes)]
    told += ["Next: read it, commit it, then keelway doctor.", _later(root, answers.branch)]
    out({"path": str(path), "notes": draft.notes}, as_json, lambda _: say(*told))


def _draft(root: Path, dry_run: bool) -> Draft:
    from keelway.app.config import FILE_NAME, environment_variables
    from keelway.app.initialise.detect import detect

    if not dry_run and (root / FILE_NAME).exists():
        raise YourFault(
            "config_there", f"{root / FILE_NAME} is there already and was left as it is.", "keelway doctor"
        )
    if not (root / ".git").exists():
        raise YourFault(
            "no_repository", f"{root} is not the top of a git repository.", f"git -C {root} init -b main"
        )
    return detect(root, environment_variables())


def _complete(root: Path, draft: Draft, given: Answers, *, quiet: bool) -> Answers:
    """Fill what was not given: by asking, or with what was detected.

    Raises:
        YourFault: the web command is unknown and nobody can be asked.
    """
    from dataclasses import replace

    from keelway.app.initialise.detect import project_name
    from keelway.app.initialise.write import DEFAULT_PORT

    name, web, port = given.name or project_name(root), given.web or draft.web, given.port or DEFAULT_PORT
    if not quiet:
        name = given.name or typer.prompt("Name of the application", default=name)
        asked = given.web or shlex.split(
            typer.prompt("Command of the web process", default=shlex.join(web) or None)
        )
        web = tuple(asked)
        port = given.port or typer.prompt("Port of production", default=port, type=int)
    if not web:
        raise YourFault(
            "no_web_command",
            "The command of the web process was not recognised.",
            'keelway init --web "python app.py"',
        )
    return replace(given, name=name, web=web, port=port)


def _branch(root: Path) -> str:
    """Return the branch that is checked out, which is taken for production."""
    head = root / ".git" / "HEAD"
    text = head.read_text("utf-8").strip() if head.is_file() else ""
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else "main"


def _later(root: Path, branch: str) -> str:
    from keelway.app.home import Home

    return (
        f"Later, to take over what Keelway merged: git pull --no-rebase {Home.of(root).repository} {branch}"
    )
