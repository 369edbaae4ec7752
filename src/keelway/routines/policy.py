"""Notice that the base branch states another policy than the one a task was begun and approved under."""

from __future__ import annotations

from keelway.core.policy.mark import same_policy
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed

FILE_NAME = "keelway.toml"


def insist_on_policy(ctx: Context, base_sha: str) -> None:
    """Go on only when a base that moved since the task began still states the policy that the task keeps.

    Raises:
        StageFailed: it is another one, so that no approval of the task counts any more.
    """
    if base_sha == ctx.policy_base or not ctx.policy_mark or not ctx.engine.patch("base-policy"):
        return
    text = ctx.read("policy of base", ctx.forge.read, base_sha, FILE_NAME)
    if not same_policy(ctx.policy_mark, text):
        name = ctx.scene.subject
        raise StageFailed(
            "policy_changed",
            f"The policy in {FILE_NAME} of {ctx.project.branches.integration} was changed since the task began, "
            "so its verdicts and its approvals do not count any more.",
            f"keelway retry {name}",
        )
