"""Know the policy: ``keelway policy show|explain|test``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from keelway.cli import shared
from keelway.cli.shared import Json, out
from keelway.core.errors import RequestRefused, YourFault

room = typer.Typer(
    no_args_is_help=True,
    help="Know the policy: what is in force, where it comes from, what a patch would meet.",
)


@room.command("show")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what differs from the defaults, and who says so."""
    from keelway.app.policy.explain import explain
    from keelway.cli.show.policy import policy_page

    place = shared.place_of(ctx)
    out(explain(place.config, place.home), as_json, policy_page)


@room.command("explain")
def explain_one(
    ctx: typer.Context,
    key: Annotated[
        str,
        typer.Argument(help="A threshold or a group, such as plan.lines_high or guardrail; nothing for all."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Say of each threshold what it is, where it comes from, and which way a repository may alter it."""
    from keelway.app.policy.explain import explain
    from keelway.cli.show.policy import threshold_pages

    place = shared.place_of(ctx)
    out(explain(place.config, place.home, key), as_json, threshold_pages)


@room.command("test")
def hold_against(
    ctx: typer.Context,
    patch: Annotated[str, typer.Argument(help="A patch file, - for standard input, or BASE..HEAD.")],
    as_json: Json = False,
) -> None:
    """Say what each rule would find in a patch, and alter nothing; 3 when one refuses it."""
    from keelway.app.policy.trial import try_patch
    from keelway.cli.show.policy import trial_pages

    place = shared.place_of(ctx)
    found = try_patch(place.config, place.home, patch, _text(patch))
    out(found, as_json, trial_pages)
    raise typer.Exit(0 if found.passed else RequestRefused.exit_code)


def _text(patch: str) -> bytes | None:
    """Read what a person named; ``None`` for a range of commits.

    Raises:
        YourFault: there is no such file, or it is too large.
    """
    from keelway.app.policy.trial import PATCH_BYTES_MAX

    path = Path(patch)
    if patch != "-" and ".." in patch and not path.is_file():
        return None
    try:
        data = sys.stdin.buffer.read(PATCH_BYTES_MAX + 1) if patch == "-" else path.read_bytes()
    except OSError as error:
        raise YourFault(
            "no_patch",
            f"{patch} cannot be read: {error.strerror}.",
            "git diff BASE > change.patch, or BASE..HEAD",
        ) from error
    if len(data) > PATCH_BYTES_MAX:
        raise YourFault(
            "patch_too_large", f"{patch} is larger than {PATCH_BYTES_MAX:,} bytes.", "try BASE..HEAD"
        )
    return data
