"""Find who owns the touched paths, by the owner file of the base and the final difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keelway.core.consent.people import People
from keelway.core.consent.quorum import OwnerGroup, groups_of
from keelway.core.errors import YourFault
from keelway.core.model.handover import TestedPatch
from keelway.core.owner.codeowners import codeowners_path, owners_of
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed, outcome_of, raise_error


def people_of(ctx: Context) -> People:
    """Return everybody whose answer may count."""
    return People(ctx.project.owner, ctx.policy.intake.allowed_actors, ctx.project.people)


def owner_groups(ctx: Context, patch: TestedPatch) -> tuple[OwnerGroup, ...]:
    """Return the groups that own a path of a patch; none when the base has no owner file.

    The file is read from the base, so that a change cannot make or remove its own owners.

    Raises:
        StageFailed: the file is there and cannot be read.
    """
    if not ctx.engine.patch("owners"):
        return ()

    def look() -> dict[str, Any]:
        return outcome_of(lambda: _file(ctx.forge.files(patch.base_sha), ctx.forge.texts, patch.base_sha))

    plain = ctx.engine.step("owners", look)
    raise_error(plain)
    path, text = plain["ok"]["path"], plain["ok"]["text"]
    if text is None:
        raise StageFailed(
            "owners_unreadable", f"{path} of the base cannot be read, so nobody's yes can be counted."
        )
    try:
        return groups_of(owners_of(patch.files, text), people_of(ctx))
    except YourFault as fault:
        raise StageFailed("owners_unreadable", fault.message, fault.hint) from fault


def _file(
    files: tuple[str, ...], texts: Callable[[str, tuple[str, ...]], dict[str, str]], sha: str
) -> dict[str, Any]:
    """Return path and text of the owner file; no text when it is there and cannot be read."""
    path = codeowners_path(files)
    return {"path": path, "text": texts(sha, (path,)).get(path) if path else ""}
