"""What an agent is told: one file a role, with outside text fenced, bounded and labelled with where it is from."""

from keelway.core.prompt.compose import (
    PlanBrief,
    ReviewBrief,
    dev_prompt,
    fix_prompt,
    plan_prompt,
    review_prompt,
)
from keelway.core.prompt.fence import DATA_CHARS_MAX, FENCE
from keelway.core.prompt.template import prompts_digest

__all__ = [
    "DATA_CHARS_MAX",
    "FENCE",
    "PlanBrief",
    "ReviewBrief",
    "dev_prompt",
    "fix_prompt",
    "plan_prompt",
    "prompts_digest",
    "review_prompt",
]
