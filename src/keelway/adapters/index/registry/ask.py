"""Ask an index over HTTP: bounded in time and size, with the credentials of its address kept out of every message."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from keelway.clients.http import Answer, HttpClient
from keelway.core.errors import TheirFault

BODY_BYTES_MAX = 48 * 1024 * 1024
_ONE_SECONDS_MAX = 8.0
_ABSENT = frozenset({404, 410})
_OK = 200


class Unknown(Exception):
    """End a look-up that can say nothing, with the reason for a person."""


@dataclass
class Asker:
    """Ask servers until the time for all questions together is over."""

    seconds_max: float
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds_max

    def get(self, url: str, accept: str) -> Answer | None:
        """Return the answer of a server, ``None`` when it says that there is no such thing.

        Raises:
            Unknown: it gave no usable answer in time.
        """
        left = min(_ONE_SECONDS_MAX, self._until - time.monotonic())
        if left <= 0:
            raise Unknown(f"the {self.seconds_max:g} s for all look-ups together were over.")
        address = Address(url)
        try:
            with HttpClient(address.base, timeout_seconds=left, body_bytes_max=BODY_BYTES_MAX) as client:
                answer = client.request("GET", address.path, headers={"Accept": accept, **address.headers})
        except TheirFault as fault:
            raise Unknown(fault.message) from fault
        if answer.status in _ABSENT:
            return None
        if answer.status != _OK:
            raise Unknown(f"{address.base} answered {answer.status}.")
        return answer

    def json(self, url: str, accept: str = "application/json") -> dict[str, object] | None:
        """Return the JSON object that a server answers with, ``None`` when there is no such thing.

        Raises:
            Unknown: it gave no usable answer in time.
        """
        answer = self.get(url, accept)
        if answer is None:
            return None
        try:
            plain = answer.json
        except TheirFault as fault:
            raise Unknown(f"{Address(url).base} answered with something that is not JSON.") from fault
        if not isinstance(plain, dict):
            raise Unknown(f"{Address(url).base} answered with JSON that is no object.")
        return plain


class Address:
    """Part an address into what may be shown and what may not."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        self.scheme, self.host = parts.scheme, host
        self.base = f"{parts.scheme}://{shown}{port}"
        self.path = parts.path or "/"
        self.headers: dict[str, str] = {}
        if parts.username or parts.password:
            said = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            self.headers["Authorization"] = "Basic " + base64.b64encode(said.encode()).decode()


def instant(value: object) -> datetime | None:
    """Read an instant as indexes write it; ``None`` when it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def text(value: object, limit: int = 200) -> str:
    """Return a text of an index on one line, bounded; anything else is empty."""
    return " ".join(value.split())[:limit] if isinstance(value, str) else ""
