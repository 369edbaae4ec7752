"""Keep the supervisor and what carries the traffic up; both outlive whoever started them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from keelway.adapters.target.process.site import Site
from keelway.clients.balance.daemon import Daemon, end, ensure, make_folder


def ensure_supervisor(site: Site) -> bool:
    """Start the supervisor when none answers; tell whether it had to be.

    Raises:
        TheirFault: it does not come up (``daemon_not_started``), with its last lines.
    """
    home = site.places.supervisor()
    make_folder(home)
    argv = ("keelway.programs.supervisor", "--home", str(home))
    daemon = Daemon("supervisor", argv, home / "output.log", lambda: site.supervisor.health() is not None)
    return ensure(daemon, site.places.home, site.python)


def stop_everything(site: Site, deadline_seconds: float) -> None:
    """Let the traffic finish what is in flight, then end all processes, the supervisor and the balancers.

    Raises:
        TheirFault: something could not be ended.
    """
    names = [spec.name for spec in site.project.environments]
    with ThreadPoolExecutor(len(names) or 1) as pool:
        list(pool.map(lambda name: site.traffic.stop(name, deadline_seconds), names))
    if site.supervisor.health() is None and _keeps_something(site):
        ensure_supervisor(site)  # it adopts what a dead one left, which nobody else could end
    if health := site.supervisor.health():
        end(lambda: site.supervisor.shutdown(deadline_seconds), int(health["pid"]), deadline_seconds)


def _keeps_something(site: Site) -> bool:
    """Tell whether a supervisor that does not answer may have left processes; in doubt it may."""
    try:
        state = json.loads((site.places.supervisor() / "state.json").read_bytes())
        return bool(state["processes"])
    except FileNotFoundError:
        return False
    except (OSError, ValueError, TypeError, KeyError):
        return True
