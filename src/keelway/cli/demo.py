"""Walk the whole story on the sample application."""

from __future__ import annotations

import json
import signal
import sys
from typing import Annotated, Any

import typer

from keelway.cli.shared import EXIT_STOPPED, Json

group = typer.Typer()


@group.command("demo")
def demo(
    act: Annotated[str, typer.Option(help="Play this act only, after the start: a to f.")] = "",
    leave: Annotated[bool, typer.Option("--exit", help="Leave when the acts are over.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's folder.")] = False,
    as_json: Json = False,
) -> None:
    """Show everything on a real sample application; 0 when every claim held."""
    from keelway.app.demo.play import Wish, play
    from keelway.core.codec import to_json

    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us deaf to Ctrl-C
        signal.signal(number, _leave)
    try:
        result = play(Wish(act.lower(), leave, keep, as_json))
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_STOPPED) from None
    if as_json:
        shown = {"ok": result.ok, "seconds": result.seconds, "rows": to_json(result.rows)}
        sys.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")
    raise typer.Exit(0 if result.ok else 1)


def _leave(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
