"""Keep the supervisor and the fronts up; both outlive whoever started them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from keelway.adapters.target.process.site import Site, make_folder
from keelway.clients.control import ControlSocket, Front, Json
from keelway.clients.shell import base_env, create_time, end_tree, runs, start_detached
from keelway.core.errors import TheirFault

_UP_SECONDS = 20.0
_STEP_SECONDS = 0.05
_SHOWN_BYTES = 2_000
_GRACE_SECONDS = 5.0
TICK_SECONDS = 1.0


def ensure_supervisor(site: Site) -> bool:
    """Start the supervisor when none answers; tell whether it had to be.

    Raises:
        TheirFault: it does not come up (``daemon_not_started``), with its last lines.
    """
    home = site.places.supervisor()
    make_folder(home)
    argv = ("keelway.programs.supervisor", "--home", str(home))
    log = home / "output.log"
    return _ensure(site, "supervisor", lambda: site.supervisor.health() is not None, argv, log)


def ensure_front(site: Site, environment: str) -> bool:
    """Start the front of an environment when it does not answer; tell whether it had to be.

    Raises:
        TheirFault: it does not come up (``daemon_not_started``), with its last lines.
    """
    spec, folder = site.spec(environment), site.places.front(environment)
    control = site.places.front_socket(environment)
    for needed in (folder, control.parent):
        make_folder(needed)
    argv = (
        "keelway.programs.front",
        *("--listen", f"{spec.host}:{spec.port}"),
        *("--control", str(control)),
        *("--state", str(folder / "state.json")),
        *("--tick-seconds", f"{TICK_SECONDS:g}"),
    )
    front = site.front(environment)
    return _ensure(site, f"front-{environment}", lambda: _serves(front), argv, folder / "log")


def _serves(front: ControlSocket) -> bool:
    state = front.answers("/state")
    return state is not None and not state.get("stopping")


def _ensure(site: Site, name: str, up: Callable[[], bool], argv: Sequence[str], log: Path) -> bool:
    if up():
        return False
    with site.locked(f"start-{name}", 2 * _UP_SECONDS):
        if up():
            return False
        # -P: a folder called keelway in the working directory must not take the place of ours.
        command = (site.python, "-P", "-m", *argv)
        try:
            pid = start_detached(command, str(site.places.home), base_env(str(site.places.home)), str(log))
        except OSError as error:
            raise TheirFault("daemon_not_started", f"The {name} cannot be started: {error}.") from error
        deadline = time.monotonic() + _UP_SECONDS
        born = create_time(pid)
        while not up():
            if not runs(pid, born) or time.monotonic() > deadline:
                raise TheirFault(
                    "daemon_not_started", f"The {name} did not come up: {tail(log)}", f"see {log}"
                )
            time.sleep(_STEP_SECONDS)
    return True


def tail(path: Path, bytes_max: int = _SHOWN_BYTES) -> str:
    """Return the last lines of a log for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - bytes_max))
            return file.read(bytes_max).decode("utf-8", "replace").strip() or "it said nothing"
    except OSError as error:
        return f"its log cannot be read ({error.strerror})"


def stop_everything(site: Site, deadline_seconds: float) -> None:
    """Let the fronts finish what is in flight, then end all processes, the supervisor and the fronts.

    Raises:
        TheirFault: something could not be ended.
    """
    fronts = [site.front(spec.name) for spec in site.project.environments]
    with ThreadPoolExecutor(len(fronts) or 1) as pool:
        list(pool.map(lambda front: _end_front(front, deadline_seconds), fronts))
    if site.supervisor.health() is None and _keeps_something(site):
        ensure_supervisor(site)  # it adopts what a dead one left, which nobody else could end
    if health := site.supervisor.health():
        _end(lambda: site.supervisor.shutdown(deadline_seconds), health, deadline_seconds)


def _keeps_something(site: Site) -> bool:
    """Tell whether a supervisor that does not answer may have left processes; in doubt it may."""
    try:
        state = json.loads((site.places.supervisor() / "state.json").read_bytes())
        return bool(state["processes"])
    except FileNotFoundError:
        return False
    except (OSError, ValueError, TypeError, KeyError):
        return True


def _end_front(front: Front, deadline_seconds: float) -> None:
    if state := front.answers("/state"):
        _end(lambda: front.shutdown(deadline_seconds), state, deadline_seconds)


def _end(ask: Callable[[], None], said: Json, deadline_seconds: float) -> None:
    """Ask a program to end; end it by its number when it stays."""
    pid = int(said["pid"])
    born = create_time(pid)
    ask()
    deadline = time.monotonic() + deadline_seconds + _GRACE_SECONDS
    while runs(pid, born) and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    if runs(pid, born) and not end_tree(pid, born, _GRACE_SECONDS):
        raise TheirFault("not_ended", f"Process {pid} could not be ended.", f"kill {pid}")
