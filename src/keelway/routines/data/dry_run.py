"""Try the migrations of a staged release on a restored copy of real data, before that data meets them."""

from __future__ import annotations

from keelway.core.migration.dry_run import Beside, DryRun
from keelway.core.model.project import PRODUCTION
from keelway.ports.backup import Backup
from keelway.ports.target import TriesOnCopy
from keelway.routines.context import Context
from keelway.routines.rollout import Deployed


def try_on_copy(ctx: Context, deployed: Deployed) -> DryRun | None:
    """Return what the migrations do to a copy; ``None`` when nothing migrated, or there is nothing to try it on."""
    deployment, wanted, target = deployed.deployment, ctx.policy.migration.dry_run, ctx.target
    live = deployment.schema_after
    if (
        live is None
        or live == deployment.schema_before
        or wanted == "off"
        or not isinstance(target, TriesOnCopy)
    ):
        return None
    if not ctx.engine.patch("dry_run"):
        return None
    backup: Backup | None = None
    if wanted == PRODUCTION:
        backup = ctx.act("dry run:backup", ctx.backup.take, PRODUCTION, key=ctx.key("dry run"))
    backup = backup or deployed.backup
    if backup is None:
        return None
    beside = Beside(deployment.environment, deployment.release, live)
    return ctx.act("dry run", ctx.backup.rehearse, backup, beside, target.on_copy, key=ctx.key("dry run"))
