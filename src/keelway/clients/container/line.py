"""Ask a container engine over its Unix socket: every question bounded in time and size, every socket closed."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import urlencode

from keelway.core.errors import KeelwayError, TheirFault

NOT_THERE, CONFLICT, REFUSED, UNREACHABLE = (
    "not_there",
    "container_conflict",
    "engine_refused",
    "engine_unreachable",
)
"""Codes of what an engine answers when it does not do what it was asked."""

SECONDS = 60.0
_CODES = {404: NOT_THERE, 409: CONFLICT}
_NOT_MODIFIED = 304
_FAILED_FROM = 400
_BODY_BYTES_MAX = 64 * 1024 * 1024
_LINE_BYTES_MAX = 1024 * 1024
_PART_BYTES = 64 * 1024
_SHOWN_CHARS = 1_000

Query = Mapping[str, object]


class Line:
    """Lead to the socket of one engine."""

    def __init__(self, path: str) -> None:
        self.path = path

    def call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: object = None,
        seconds: float = SECONDS,
    ) -> bytes:
        """Ask once and return the whole answer.

        Raises:
            TheirFault: the engine does not answer in time (``engine_unreachable``) or refuses.
        """
        return self._whole(method, path, query, body, seconds)[1]

    def order(self, path: str, query: Query | None = None, seconds: float = SECONDS) -> bool:
        """Order something; False when it was so already.

        Raises:
            TheirFault: the engine does not answer in time (``engine_unreachable``) or refuses.
        """
        return self._whole("POST", path, query, None, seconds)[0] != _NOT_MODIFIED

    def _whole(
        self, method: str, path: str, query: Query | None, body: object, seconds: float
    ) -> tuple[int, bytes]:
        deadline = time.monotonic() + seconds
        with self._asked(method, path, query, body, deadline) as (wire, answer):
            data = b"".join(_parts(wire, answer, deadline))
        if answer.status >= _FAILED_FROM:
            raise _refusal(answer.status, data)
        return answer.status, data

    def value(self, path: str, query: Query | None = None, seconds: float = SECONDS) -> Any:
        """Ask for a value."""
        return json.loads(self.call("GET", path, query, seconds=seconds) or b"null")

    def reports(
        self,
        path: str,
        query: Query,
        seconds: float,
        *,
        body: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Order something long and return what the engine reports of it, object by object.

        Raises:
            TheirFault: the engine refuses, or the order is not done in time.
        """
        deadline = time.monotonic() + seconds
        with self._asked("POST", path, query, body, deadline, headers) as (wire, answer):
            if answer.status >= _FAILED_FROM:
                raise _refusal(answer.status, b"".join(_parts(wire, answer, deadline)))
            yield from _objects(_parts(wire, answer, deadline))

    @contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: object,
        deadline: float,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[_Wire, http.client.HTTPResponse]]:
        wire = _Wire(self.path, max(0.1, deadline - time.monotonic()))
        answer = None
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            data, kind = _body(body)
            wire.request(method, target, data, {**kind, **(headers or {})})
            answer = wire.getresponse()
            yield wire, answer
        except KeelwayError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise TheirFault(
                UNREACHABLE,
                f"The container engine at {self.path} does not answer {method} {path}: {said}.",
                "see whether it runs: systemctl status docker podman.socket",
            ) from error
        finally:
            if answer is not None:
                answer.close()
            wire.close()


class _Wire(http.client.HTTPConnection):
    """Connect to a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path
        self.plug: socket.socket | None = None

    def connect(self) -> None:
        """Open the socket, or leave nothing open."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.settimeout(self.timeout)
            opened.connect(self._path)
        except OSError:
            opened.close()
            raise
        self.sock = self.plug = opened


def _body(body: object) -> tuple[Any, dict[str, str]]:
    if body is None:
        return None, {}
    if hasattr(body, "read"):
        size = body.seek(0, 2)  # type: ignore[attr-defined]
        body.seek(0)  # type: ignore[attr-defined]
        return body, {"Content-Type": "application/x-tar", "Content-Length": str(size)}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def _parts(wire: _Wire, answer: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
    """Read an answer in parts, none of it after the deadline.

    Raises:
        TheirFault: it is larger than anything that we ask for.
    """
    left = _BODY_BYTES_MAX
    while True:
        if wire.plug is not None:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise TimeoutError("it took too long as a whole")
            wire.plug.settimeout(seconds)
        part = answer.read1(_PART_BYTES)
        if not part:
            return
        left -= len(part)
        if left < 0:
            raise TheirFault(
                "answer_too_large", f"The container engine sent more than {_BODY_BYTES_MAX} bytes."
            )
        yield part


def _objects(parts: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Take a stream of JSON objects apart, whether or not a line ends behind each."""
    decoder, text = json.JSONDecoder(), ""
    for part in parts:
        text += part.decode("utf-8", "replace")
        while text := text.lstrip():
            try:
                value, end = decoder.raw_decode(text)
            except ValueError:
                break
            text = text[end:]
            if isinstance(value, dict):
                yield value
        if len(text) > _LINE_BYTES_MAX:
            raise ValueError("a report has no end")


def _refusal(status: int, data: bytes) -> TheirFault:
    try:
        said = json.loads(data)
        message = str(said.get("message") or said.get("cause") or said)
    except (ValueError, AttributeError):
        message = data.decode("utf-8", "replace")
    shown = " ".join(message.split())[:_SHOWN_CHARS] or f"status {status}"
    return TheirFault(_CODES.get(status, REFUSED), f"The container engine refused: {shown}.")
