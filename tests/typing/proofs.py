"""What the type checker has to accept and to refuse; run by mypy, never by pytest."""

from typing import assert_type

from keelway.core.model.handover import Admitted, ApprovedPlan, Live, Merged, Staged, TestedPatch, Work
from keelway.routines.context import Context
from keelway.stages import development, planning, promotion, review, staging


def the_way_is_typed(ctx: Context, admitted: Admitted) -> Live:
    """Each stage takes what the one before proves."""
    approved = assert_type(planning.agree(ctx, admitted), ApprovedPlan)
    patch = assert_type(development.build(ctx, Work(approved)), TestedPatch)
    merged = assert_type(review.land(ctx, patch), Merged)
    staged = assert_type(staging.rehearse(ctx, merged), Staged)
    return assert_type(promotion.ship(ctx, staged), Live)


def no_stage_can_be_skipped(ctx: Context, patch: TestedPatch, merged: Merged) -> None:
    """Deploying something unmerged or unstaged is a type error; an unused ignore would fail the check."""
    staging.rehearse(ctx, patch)  # type: ignore[arg-type]
    promotion.ship(ctx, merged)  # type: ignore[arg-type]
    review.land(ctx, merged)  # type: ignore[arg-type]
