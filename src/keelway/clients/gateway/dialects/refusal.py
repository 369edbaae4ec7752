"""Word what the gateway itself says no to: a status, a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from keelway.clients.gateway.meter import COST, DAY, PROJECT, TOKENS

_SPENT = {
    COST: "the task's budget is spent",
    TOKENS: "the tokens of this run are used up",
    DAY: "the budget of the day is spent",
    PROJECT: "the budget of the project is spent",
}
_SHOWN = 20


class Refusal(Exception):
    """Answer a request ourselves, in the words of its dialect."""

    def __init__(self, status: int, code: str, message: str, retry_seconds: int = 0) -> None:
        self.status = status
        self.code = f"keelway_{code}"
        self.message = f"Keelway: {message}."
        self.retry_seconds = retry_seconds
        """After how long trying again makes sense; 0 when it makes none."""
        super().__init__(self.message)


def unfit(message: str) -> Refusal:
    """Refuse a request that nobody could let through."""
    return Refusal(HTTPStatus.BAD_REQUEST, "unfit", message)


def too_large(message: str, status: int = HTTPStatus.REQUEST_ENTITY_TOO_LARGE) -> Refusal:
    """Refuse a request that is larger than its bound."""
    return Refusal(status, "too_large", message)


def late() -> Refusal:
    """Refuse a request that does not arrive."""
    return Refusal(HTTPStatus.REQUEST_TIMEOUT, "late", "the request did not arrive in time")


def unknown() -> Refusal:
    """Refuse a token that opens nothing."""
    message = "this token opens nothing here; the run that it belonged to has ended"
    return Refusal(HTTPStatus.UNAUTHORIZED, "unknown_token", message)


def stopped() -> Refusal:
    """Refuse what a stopped task asks for."""
    return Refusal(HTTPStatus.FORBIDDEN, "revoked", "this task was stopped")


def spent(name: str) -> Refusal:
    """Refuse what a bound that is reached leaves no room for; no client tries this again."""
    message = f"{_SPENT[name]}. This run cannot go on"
    return Refusal(HTTPStatus.PAYMENT_REQUIRED, f"{name}_spent", message)


def held() -> Refusal:
    """Refuse what others hold the money for."""
    message = "what is left of the budget is held by other requests; try again"
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "held", message, 5)


def busy(message: str) -> Refusal:
    """Refuse what is too much at a time."""
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "busy", message, 1)


def nowhere(message: str) -> Refusal:
    """Refuse a path."""
    return Refusal(HTTPStatus.NOT_FOUND, "no_path", message)


def not_granted(model: str, granted: Sequence[str]) -> Refusal:
    """Refuse a model."""
    message = f"the model {model:.100} is not granted; granted: {', '.join(granted[:_SHOWN])}"
    return Refusal(HTTPStatus.FORBIDDEN, "model", message)


def no_key(code: str) -> Refusal:
    """Refuse what there is no key for."""
    return Refusal(HTTPStatus.UNAUTHORIZED, "no_key", f"the provider's key cannot be read: {code}")


def no_book() -> Refusal:
    """Refuse what nobody can say there is money for."""
    message = "what may still be spent is not known at the moment"
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no_book", message, 5)


def at_fault() -> Refusal:
    """Refuse because of ourselves."""
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", "the gateway failed; its log says why")
