"""Put the value or the error of an effect into JSON, so that a replay meets the same end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keelway.core import errors
from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError, OurFault, TheirFault


def outcome_of(effect: Callable[[], Any]) -> dict[str, Any]:
    """Run an effect and return its value, or its error when it is one of ours or the machine's."""
    try:
        return {"ok": to_json(effect())}
    except KeelwayError as error:
        return _error(type(error).__name__, error)
    except OSError as error:
        cause = TheirFault("io_error", f"The machine refused: {error}.", "Check space, rights and limits.")
        return _error("TheirFault", cause)


def _error(kind: str, error: KeelwayError) -> dict[str, Any]:
    said = {"kind": kind, "code": error.code, "message": error.message, "hint": error.hint}
    return {"error": said}


def raise_error(plain: dict[str, Any]) -> None:
    """Raise the recorded error again, when there is one."""
    if "error" in plain:
        said = plain["error"]
        fault = getattr(errors, said["kind"], OurFault)
        raise fault(said["code"], said["message"], said["hint"])
