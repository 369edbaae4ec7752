"""Give orders to the supervisor and to a front over their Unix sockets."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.http import HttpClient
from keelway.core.errors import StaleEpoch, TheirFault

Json = dict[str, Any]
_SECONDS = 30.0
"""How long an order may take: who is dead refuses at once, and whoever is slow on a busy machine is not dead."""

_SOON_SECONDS = 2.0
_LONG_SECONDS = 600.0
_PORTS = range(20_000, 32_000)
"""Below the range that Linux takes for outgoing connections (32768 and up), so that none of those is in the way."""

_PORT_TRIES_MAX = 200


@dataclass(frozen=True)
class ControlSocket:
    """Speak JSON over HTTP to one program of ours."""

    path: Path

    def call(self, method: str, path: str, body: object = None, *, seconds: float = _SECONDS) -> Json:
        """Send one order and return the answer.

        Raises:
            StaleEpoch: a newer holder of the environment has acted since.
            TheirFault: nobody answers (``unreachable``), or the program refuses, with its own code.
        """
        with HttpClient(str(self.path), timeout_seconds=seconds, body_bytes_max=256 * 1024 * 1024) as client:
            answer = client.request(method, path, json=body)
        said = answer.json
        if not isinstance(said, dict):
            raise TheirFault(
                "not_an_object", f"{method} {path} was answered with something else than an object."
            )
        if answer.ok:
            return said
        code = str(said.get("error", answer.status))
        kind = StaleEpoch if code == "stale_epoch" else TheirFault
        raise kind(
            code, str(said.get("message", f"{method} {path}: {answer.status}")), str(said.get("hint", ""))
        )

    def answers(self, path: str, *, patient: bool = False) -> Json | None:
        """Return the answer to a question, None when nobody answers soon, or at all if one is patient."""
        try:
            return self.call("GET", path, seconds=_SECONDS if patient else _SOON_SECONDS)
        except TheirFault:
            return None


@dataclass(frozen=True)
class Supervisor(ControlSocket):
    """Order the supervisor of a project about."""

    def health(self) -> Json | None:
        """Return who serves; None when nobody does."""
        return self.answers("/healthz", patient=True)

    def put(self, process_id: str, spec: Mapping[str, object]) -> Json:
        """Start a process unless the very same one is kept.

        Raises:
            StaleEpoch: a newer holder has acted since.
            TheirFault: it was refused; nothing was started.
        """
        return self.call("PUT", f"/processes/{process_id}", spec)

    def find(self, process_id: str) -> Json | None:
        """Return what is known of a process; None when it is not kept."""
        try:
            return self.call("GET", f"/processes/{process_id}")
        except TheirFault as error:
            if error.code == "unknown_process":
                return None
            raise

    def processes(self) -> list[Json]:
        """Return every kept process."""
        return list(self.call("GET", "/processes")["processes"])

    def remove(self, process_id: str, deadline_seconds: float | None = None) -> None:
        """End a process and forget it; one that is not kept is removed already."""
        order = {} if deadline_seconds is None else {"deadline_seconds": deadline_seconds}
        try:
            self.call("DELETE", f"/processes/{process_id}", order, seconds=_LONG_SECONDS)
        except TheirFault as error:
            if error.code != "unknown_process":
                raise

    def shutdown(self, deadline_seconds: float) -> None:
        """End every process, then the supervisor itself."""
        order = {"stop_processes": True, "deadline_seconds": deadline_seconds}
        self.call("POST", "/shutdown", order, seconds=deadline_seconds + _SECONDS)


@dataclass(frozen=True)
class Front(ControlSocket):
    """Order the front of an environment about."""

    def state(self) -> Json:
        """Return what the front does now."""
        return self.call("GET", "/state")

    def route(self, epoch: int, backends: Mapping[str, tuple[str, int]]) -> Json:
        """Replace the routing table (address and weight by release) in one step.

        Raises:
            StaleEpoch: a newer holder has acted since; nothing was changed.
            TheirFault: it was refused; nothing was changed.
        """
        table = {release: {"url": url, "weight": weight} for release, (url, weight) in backends.items()}
        return self.call("PUT", "/routes", {"epoch": epoch, "backends": table})

    def drain(self, release: str, deadline_seconds: float) -> int:
        """Wait for the last request of a release; return how many are left at the deadline."""
        order = {"release": release, "deadline_seconds": deadline_seconds}
        return int(self.call("POST", "/drain", order, seconds=deadline_seconds + _SECONDS)["inflight"])

    def counters(self) -> Json:
        """Return the totals."""
        return self.call("GET", "/counters")

    def history(self, since: float) -> Json:
        """Return the ticks that ended after an instant in epoch seconds."""
        return self.call("GET", f"/history?since={since:.3f}", seconds=60.0)

    def shutdown(self, deadline_seconds: float) -> None:
        """Let the front finish what is in flight and end."""
        self.call("POST", "/shutdown", {"deadline_seconds": deadline_seconds})


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """Return a loopback port that nobody listens on and that is not in ``taken``.

    Raises:
        TheirFault: none was found.
    """
    for port in random.sample(_PORTS, _PORT_TRIES_MAX):
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                trial.bind(("127.0.0.1", port))
                return port
    raise TheirFault(
        "no_free_port", f"None of {_PORT_TRIES_MAX} ports could be bound.", "see who holds them: ss -ltn"
    )
