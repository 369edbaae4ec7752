"""Keep what one run may reach, what it has reached, and the record of both."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from keelway.clients.egress.values import EgressGrant, EgressLimits, EgressTotals
from keelway.core.errors import TheirFault
from keelway.core.rule.egress import judge_address, judge_host, read_entries

_HOST_CHARS_MAX = 300


class Refused(Exception):
    """Say no to a request: with a status, a reason in a few words, and whether the list was why."""

    def __init__(self, status: int, reason: str, *, by_list: bool = False) -> None:
        super().__init__(reason)
        self.status, self.reason, self.by_list = status, reason, by_list


class Ended(Exception):
    """End a connection that was let pass, with the word for why."""


@dataclass
class Request:
    """Hold one wish of a run."""

    method: str
    host: str
    port: int
    path: str = "/"
    """What to ask the host for; of plain HTTP only."""
    number: int = 0
    address: str = ""
    up_bytes: int = 0
    down_bytes: int = 0
    began: float = field(default_factory=time.monotonic)


class Permit:
    """Hold one open grant; used by the proxy's thread alone."""

    def __init__(self, grant: EgressGrant, limits: EgressLimits, token: str) -> None:
        self.limits, self.token = limits, token
        self.totals = EgressTotals()
        self.connections: set[asyncio.Task[None]] = set()
        self._entries = read_entries(grant.hosts)
        self._made = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._log = os.open(grant.log_path, flags, 0o600)
        except OSError as error:
            raise TheirFault(
                "egress_log_unwritable",
                f"What a run reaches cannot be written to {grant.log_path}: {error.strerror}.",
                "make the folder writable; nothing is let pass without a record",
            ) from error

    def close(self) -> None:
        """Write no more."""
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def ask(self, request: Request) -> None:
        """Let a request pass by its host and port.

        Raises:
            Refused: it may not.
        """
        self._made += 1
        request.number = self._made
        if self._made > self.limits.decisions_max:
            self.totals = replace(self.totals, refused=self.totals.refused + 1)
            raise Refused(429, f"this task has asked {self.limits.decisions_max} times, which is the most")
        if why := self._spent() or judge_host(request.host, request.port, self._entries):
            raise self.refused(request, why)

    def choose(self, request: Request, addresses: list[str]) -> list[str]:
        """Return those of a name's addresses that may stand behind it.

        Raises:
            Refused: none may.
        """
        judged = {address: judge_address(address, request.port, self._entries) for address in addresses}
        good = [address for address, why in judged.items() if not why]
        if not good:
            raise self.refused(request, next(iter(judged.values()), "the name resolves to no address"))
        return good[: self.limits.addresses_max]

    def refused(self, request: Request, reason: str) -> Refused:
        """Count and write down that the list does not let a request pass; return what to raise."""
        known = self.totals.refused_hosts
        if request.host not in known and len(known) < self.limits.names_max:
            known = (*known, request.host[:_HOST_CHARS_MAX])
        self.totals = replace(self.totals, refused=self.totals.refused + 1, refused_hosts=known)
        self._write("decided", request, allowed=False, reason=reason)
        return Refused(403, reason, by_list=True)

    def failed(self, request: Request, reason: str) -> Refused:
        """Count and write down that a host was not to be reached; return what to raise."""
        self.totals = replace(self.totals, failed=self.totals.failed + 1)
        self._write("decided", request, allowed=True, reason=reason)
        return Refused(502, reason)

    def allow(self, request: Request) -> None:
        """Count and write down that a host is reached."""
        known = self.totals.hosts
        if request.host not in known and len(known) < self.limits.names_max:
            known = (*known, request.host)
        self.totals = replace(self.totals, allowed=self.totals.allowed + 1, hosts=known)
        self._write("decided", request, allowed=True, reason="")

    def end(self, request: Request, how: str) -> None:
        """Write down how a connection ended and what it carried."""
        self._write("ended", request, allowed=True, reason=how)

    def up(self, request: Request, count: int) -> None:
        """Count bytes that are about to leave.

        Raises:
            Ended: they would be too many.
        """
        if self.totals.up_bytes + count > self.limits.up_bytes_max:
            raise Ended(self._spent(count) or "spent")
        request.up_bytes += count
        self.totals = replace(self.totals, up_bytes=self.totals.up_bytes + count)

    def down(self, request: Request, count: int) -> None:
        """Count bytes that came in.

        Raises:
            Ended: they were too many.
        """
        request.down_bytes += count
        self.totals = replace(self.totals, down_bytes=self.totals.down_bytes + count)
        if self.totals.down_bytes > self.limits.down_bytes_max:
            raise Ended(self._spent())

    def _spent(self, more_up: int = 0) -> str:
        if self.totals.up_bytes + more_up >= self.limits.up_bytes_max:
            return f"this task has sent {self.limits.up_bytes_max} bytes, which is the most"
        if self.totals.down_bytes >= self.limits.down_bytes_max:
            return f"this task has received {self.limits.down_bytes_max} bytes, which is the most"
        return ""

    def _write(self, event: str, request: Request, *, allowed: bool, reason: str) -> None:
        line = {
            "at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "number": request.number,
            "method": request.method,
            "host": request.host[:_HOST_CHARS_MAX],
            "port": request.port,
            "allowed": allowed,
            "reason": reason,
            "address": request.address,
            "up_bytes": request.up_bytes,
            "down_bytes": request.down_bytes,
            "seconds": round(time.monotonic() - request.began, 3),
        }
        try:
            os.write(self._log, json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise Refused(503, f"the decision cannot be written down: {error.strerror}") from error
