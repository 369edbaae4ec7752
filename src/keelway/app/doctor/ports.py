"""Who listens on the ports that we want."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok
from keelway.app.home import Home
from keelway.core.errors import YourFault

_FRONT = "keelway.programs.front"


@dataclass(frozen=True)
class Listener:
    """Name a process that listens on a port."""

    port: int
    pid: int | None
    """``None`` when the system does not tell us."""
    command: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return the process in words."""
        if self.pid is None:
            return "a process of another user"
        program = " ".join(self.command)[:80] or "unknown program"
        return f"pid {self.pid} ({program})"


def listener_on(port: int) -> Listener | None:
    """Return who listens on a TCP port of this machine, ``None`` when nobody does."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return Listener(port, connection.pid, _command(connection.pid))
    return None


def is_our_front(listener: Listener, home: Home, environment: str) -> bool:
    """Tell whether a listener is the front of an environment of this home."""
    state = str(home.root / "front" / environment / "state.json")
    return _FRONT in listener.command and state in listener.command


def taken(port: int, listener: Listener, where: str) -> YourFault:
    """Make the error of a port that a stranger holds."""
    end = (
        f"end it (kill {listener.pid})" if listener.pid else f"find it (ss -ltnp sport = :{port}) and end it"
    )
    return YourFault(
        "port_taken",
        f"Port {port} ({where}) is in use by {listener.shown}.",
        f"{end}, or set another port in keelway.toml",
    )


def check_ports(config: Config, home: Home, server_pid: int | None) -> tuple[Check, ...]:
    """Look at the ports of the environments and of the control plane."""
    checks = [
        _front_port(home, spec.name, spec.port) for spec in config.project.environments if spec.target.local
    ]
    port = config.file.server.port
    if port:
        checks.append(_server_port(port, server_pid))
    return tuple(checks)


def _front_port(home: Home, environment: str, port: int) -> Check:
    name = f"port of {environment}"
    listener = listener_on(port)
    if listener is None:
        return ok(name, f"Port {port} is free.")
    if is_our_front(listener, home, environment):
        return ok(name, f"Port {port} is served by our front (pid {listener.pid}).")
    error = taken(port, listener, f"{environment}.port")
    return fail(name, error.message, error.hint)


def _server_port(port: int, server_pid: int | None) -> Check:
    listener = listener_on(port)
    if listener is None:
        return ok("port of the server", f"Port {port} is free.")
    if server_pid is not None and listener.pid == server_pid:
        return ok("port of the server", f"Port {port} is served by the control plane (pid {server_pid}).")
    error = taken(port, listener, "server.port")
    return fail("port of the server", error.message, error.hint)


def _command(pid: int | None) -> tuple[str, ...]:
    try:
        return tuple(psutil.Process(pid).cmdline()) if pid else ()
    except psutil.Error:
        return ()
