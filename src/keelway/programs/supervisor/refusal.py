"""Say why the supervisor will not do what it was asked."""

from __future__ import annotations

from http import HTTPStatus

from keelway.core.errors import KeelwayError


class Refusal(KeelwayError):
    """Carry an HTTP status and extra facts next to the code, the sentence and the next command."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        hint: str = "",
        facts: dict[str, object] | None = None,
    ) -> None:
        super().__init__(code, message, hint)
        self.status = status
        self.facts = facts or {}

    def body(self) -> dict[str, object]:
        """Give the answer's JSON body; facts never replace code, message or hint."""
        return {**self.facts, "error": self.code, "message": self.message, "hint": self.hint}
