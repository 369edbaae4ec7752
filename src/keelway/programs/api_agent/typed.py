"""Hold the answers of planner and reviewer to the values that Keelway reads; what is wrong is said to the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_ai import ModelRetry, TextOutput, ToolOutput

from keelway.core.codec import canonical
from keelway.core.errors import TheirFault
from keelway.core.model.plan import Plan, parse_plan
from keelway.core.review.review import Review, parse_review

TOOL = "final_result"


@dataclass(frozen=True)
class Answer:
    """Say what a role answers with."""

    kind: type[Any]
    parse: Callable[[str], Any]
    purpose: str

    @property
    def output_type(self) -> list[Any]:
        """Return what the model may end with: the tool, or JSON as text, which some models cannot help giving."""

        def from_text(text: str) -> Any:
            return self.held(text)

        return [ToolOutput(self.kind, name=TOOL, description=self.purpose), TextOutput(from_text)]

    def held(self, text: str) -> Any:
        """Return the value of an answer as Keelway reads it.

        Raises:
            ModelRetry: it does not fit; the model is told why.
        """
        try:
            return self.parse(text)
        except TheirFault as fault:
            raise ModelRetry(f"{fault.message} {fault.hint}".strip()) from fault

    def checked(self, value: Any) -> Any:
        """Return a value whose types fit, if its content does too.

        Raises:
            ModelRetry: it breaks a bound or a rule.
        """
        return self.held(canonical(value))


ANSWERS = {
    "plan": Answer(Plan, parse_plan, "The plan, when it is ready."),
    "review": Answer(Review, parse_review, "The review, when it is ready."),
}
