"""Speak HTTP to one address: bounded in time and size, no redirects, no proxies from the environment."""

from __future__ import annotations

import json as json_text
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx2

from keelway.core.errors import TheirFault


@dataclass(frozen=True)
class Answer:
    """State what a server said."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float

    @property
    def text(self) -> str:
        """Return the body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def json(self) -> object:
        """Return the parsed body.

        Raises:
            TheirFault: the body is not JSON.
        """
        try:
            return json_text.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise TheirFault(
                "not_json", f"The server answered {self.status} with something that is not JSON: {error}."
            ) from error

    @property
    def ok(self) -> bool:
        """Tell whether the status is 2xx."""
        return httpx2.codes.is_success(self.status)


class HttpClient:
    """Ask one server; ``address`` is a base URL or the absolute path of a Unix socket."""

    def __init__(
        self,
        address: str,
        *,
        timeout_seconds: float = 10.0,
        token: str = "",
        body_bytes_max: int = 16 * 1024 * 1024,
    ) -> None:
        self.address = address
        self._timeout_seconds = timeout_seconds
        self._body_bytes_max = body_bytes_max
        self._over_socket = over_socket = address.startswith("/")
        # A server of ours may restart between two requests: a kept connection would then fail the second.
        limits = httpx2.Limits(max_connections=32, max_keepalive_connections=0)
        transport = httpx2.HTTPTransport(
            uds=address if over_socket else None,
            verify=not over_socket and address.startswith("https:"),
            trust_env=False,
            limits=limits,
        )
        self._client = httpx2.Client(
            base_url="http://localhost" if over_socket else address,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection pool."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        Raises:
            TheirFault: nobody answered in time (``unreachable``), or with too much (``answer_too_large``), or
                what was to be asked is no path and could name another server (``not_a_path``).
        """
        if not path.startswith("/") or path.startswith("//"):
            raise TheirFault(
                "not_a_path", f"{path[:100]!r} is no path of {self.address}, so it was not asked."
            )
        limit_seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        started = time.monotonic()
        try:
            self._knock(limit_seconds)
            with self._client.stream(
                method,
                path,
                json=json,
                headers=dict(headers or {}),
                timeout=httpx2.Timeout(limit_seconds),
            ) as response:
                body = self._read(response, started + limit_seconds)
                seconds = time.monotonic() - started
                return Answer(response.status_code, body, dict(response.headers), seconds)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            cause = str(error) or type(error).__name__
            raise TheirFault(
                "unreachable",
                f"{method} {path} at {self.address} got no answer within {limit_seconds:g} s: {cause}.",
                "check that the server runs and that the address is right",
            ) from error

    def _knock(self, limit_seconds: float) -> None:
        """Try the Unix socket first: the library leaks its descriptor when nobody listens."""
        if self._over_socket:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
                knock.settimeout(limit_seconds)
                knock.connect(self.address)

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._body_bytes_max:
                raise TheirFault(
                    "answer_too_large", f"{self.address} sent more than {self._body_bytes_max} bytes."
                )
            if time.monotonic() > deadline:
                # The library's own limit restarts with every chunk: a slow drip would never end.
                raise httpx2.ReadTimeout("the answer took too long as a whole")
        return bytes(body)
