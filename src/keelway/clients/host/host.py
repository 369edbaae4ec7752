"""Run a small shell script where an application lives; what it is told travels as arguments, never as code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keelway.clients.shell import Command, Done, base_env, run

UNREACHED = 255
"""Exit code by which ssh says that it failed itself."""

_CONNECT_SECONDS = 10
_ALIVE_SECONDS, _ALIVE_MISSES = 5, 3
_EXTRA_SECONDS = _CONNECT_SECONDS + 2 * _ALIVE_SECONDS * _ALIVE_MISSES
_OUTPUT_BYTES_MAX = 512_000
_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    f"ConnectTimeout={_CONNECT_SECONDS}",
    f"ServerAliveInterval={_ALIVE_SECONDS}",
    f"ServerAliveCountMax={_ALIVE_MISSES}",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "LogLevel=ERROR",
)


@dataclass(frozen=True)
class Host:
    """Name a machine; without an address it is this one."""

    address: str = ""
    """``user@host``; empty for this machine."""
    port: int = 22
    key: str = ""
    """File with a private key; empty for what ssh finds."""
    known_hosts: str = ""
    """File with the keys of hosts; empty for what ssh finds."""
    home: str = "/nonexistent"
    """``HOME`` of what runs on this machine; another one has its own."""

    @property
    def shown(self) -> str:
        """Return the machine in words."""
        return self.address or "this machine"

    def run(
        self,
        script: str,
        args: Sequence[str],
        *,
        seconds_max: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Run a script by ``sh`` and return how it ended; ``UNREACHED`` when the machine could not be asked.

        Args:
            script: of ours; it must not be made of texts from outside.
            args: its ``$1`` and so on, whatever they hold.
            seconds_max: how long it may take; the way there has a bound of its own.
            stdin: what it reads.
            env: added to its environment; others on the machine may see it, so it must hold no secret.
        """
        given = [f"{name}={value}" for name, value in (env or {}).items()]
        argv = ("env", *given, "sh", "-c", script, "keelway", *args)
        if self.address:
            argv = (*self._ssh(), shlex.join(argv))
            seconds_max += _EXTRA_SECONDS
        return run(Command(argv, "/", base_env(self.home), seconds_max, _OUTPUT_BYTES_MAX, stdin))

    def _ssh(self) -> tuple[str, ...]:
        options = [*_OPTIONS]
        if self.key:
            options += [f"IdentityFile={self.key}", "IdentitiesOnly=yes"]
        if self.known_hosts:
            options += [f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=/dev/null"]
        words = [word for option in options for word in ("-o", option)]
        return ("ssh", "-T", *words, "-p", str(self.port), "--", self.address)
