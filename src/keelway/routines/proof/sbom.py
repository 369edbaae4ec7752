"""Keep the list of what a release is made of, from the lock files of its own commit."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from keelway.core.model.handover import Live
from keelway.core.sbom.cyclonedx import FILE, MEDIA_TYPE, document
from keelway.core.sbom.lock import is_lock, locked
from keelway.routines.context import Context
from keelway.routines.outcome import outcome_of, raise_error


def keep_sbom(ctx: Context, live: Live) -> None:
    """Keep the list as an artefact of the task; a commit without a lock file has none.

    Raises:
        KeelwayError: the commit cannot be read, or the list cannot be kept.
    """
    if not ctx.engine.patch("sbom"):
        return
    sha = live.main_sha

    def keep() -> dict[str, Any]:
        def listed() -> str:
            paths = tuple(path for path in ctx.forge.files(sha) if is_lock(path))
            if not paths:
                return ""
            found = locked(paths, ctx.forge.texts(sha, paths))
            name, at = ctx.project.name, live.deployed_at
            text = json.dumps(document(name, live.release, sha, at, found, version("keelway")), indent=2)
            return ctx.ledger.save_artefact(live.task.id, FILE, text, MEDIA_TYPE)

        return outcome_of(listed)

    raise_error(ctx.engine.step("sbom", keep))
