"""Know the coding agents: ``keelway agents list|test|install``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keelway.cli.shared import Json, Scope, out, progress
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from keelway.app.config import Config

room = typer.Typer(
    no_args_is_help=True, help="Know the coding agents: which there are, try one, install one."
)


@room.command("list")
def list_agents(as_json: Json = False) -> None:
    """Show every agent that Keelway knows, and which of them are on this machine."""
    from keelway.app.agents.table import agent_rows
    from keelway.app.config import environment_variables
    from keelway.cli.show.agents import listed

    out(agent_rows(environment_variables()), as_json, listed)


@room.command("test")
def try_one(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of an agent, or path of a profile.")],
    as_json: Json = False,
) -> None:
    """Start an agent in its sandbox, greet it and end it; 0 when it answers."""
    from keelway.app.agents.table import try_out
    from keelway.app.config import environment_variables
    from keelway.cli.show.agents import tried

    found = try_out(name, _config(ctx), environment_variables())
    out(found, as_json, tried)
    raise typer.Exit(0 if found.answers else 1)


@room.command("install")
def install(
    names: Annotated[list[str], typer.Argument(help="Names of agents.")],
    as_json: Json = False,
) -> None:
    """Install agents at the version that Keelway was tested with, for all projects of this user."""
    from keelway.app.agents import install as installing
    from keelway.app.agents.profile import load_profile
    from keelway.app.config import environment_variables
    from keelway.cli.show.agents import installed

    environ = environment_variables()
    done = tuple(installing.install(load_profile(name), environ, progress) for name in names)
    out(done, as_json, installed)


def _config(ctx: typer.Context) -> Config | None:
    """Return the configuration of the project here, if this is one: it says which sandbox is used."""
    try:
        return (ctx.find_object(Scope) or Scope(Path.cwd())).place.config
    except YourFault as error:
        if error.code != "no_config":
            raise
    return None
