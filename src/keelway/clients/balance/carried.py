"""Carry traffic by a program of ours that takes orders over a socket, whatever balancer stands behind it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from keelway.clients.balance.daemon import Daemon, end, ensure, make_folder
from keelway.clients.control import Front
from keelway.clients.places import Places
from keelway.clients.shell import base_env
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.project import Project
from keelway.core.traffic.route import (
    Counted,
    Route,
    TrafficState,
    instance_name,
    read_counts,
    read_state,
    spread,
)

TICK_SECONDS = 1.0


class CarriedTraffic:
    """Speak to the program that holds the port of an environment; a kind of balancer says how it is started."""

    kind = "front"
    install = ""
    """Command that brings the balancer's program; empty when none is needed."""

    def __init__(self, project: Project, home: str, python: str, binary: str = "") -> None:
        self._project = project
        self._places = Places(Path(home).resolve())
        self._python = python
        self._binary = binary
        """Program of the balancer; empty takes the one on the search path."""

    def module(self) -> tuple[str, ...]:
        """Return the module that holds the port, and what it is told besides address and places.

        Raises:
            YourFault: a program that it needs is not on this machine.
        """
        return ("keelway.programs.front",)

    def program(self) -> str:
        """Return the program of the balancer.

        Raises:
            YourFault: it is not on this machine (``balancer_missing``).
        """
        wanted = self._binary or self.kind
        search = base_env("/nonexistent", [str(Path(self._python).parent)])["PATH"] + ":/usr/sbin:/sbin"
        found = shutil.which(wanted, path=search)
        if found is None:
            said = f"[traffic] asks for {self.kind}, and there is no program {wanted!r} on this machine."
            raise YourFault("balancer_missing", said, self.install)
        return found

    def ensure(self, environment: str) -> bool:
        """Start what carries the traffic of an environment unless it serves; tell whether it had to be."""
        spec, folder = self._project.named(environment), self._places.front(environment)
        control = self._places.front_socket(environment)
        if self._serves(environment):
            return False
        for needed in (folder, control.parent):
            make_folder(needed)
        argv = (
            *self.module(),
            *("--listen", f"{spec.host}:{spec.port}"),
            *("--control", str(control)),
            *("--state", str(folder / "state.json")),
            *("--tick-seconds", f"{TICK_SECONDS:g}"),
        )
        daemon = Daemon(f"front-{environment}", argv, folder / "log", lambda: self._serves(environment))
        return ensure(daemon, self._places.home, self._python)

    def state(self, environment: str) -> TrafficState:
        """Read which release takes which share now."""
        return read_state(self._front(environment).state())

    def route(self, environment: str, routes: Mapping[str, Route], *, epoch: int) -> TrafficState:
        """Replace all shares in one step and return what was read back."""
        front, wanted = self._front(environment), {name: one for name, one in routes.items() if one.weight}
        front.route(epoch, spread(wanted))
        taken = self.state(environment)
        if taken.table != wanted:
            said = f"The balancer of {environment} has {taken.table}, not {wanted}."
            raise TheirFault("switch_not_taken", said)
        return taken

    def drain(self, environment: str, release: str, seconds_max: float) -> int:
        """Wait for the last request of a release without a share; return how many are left at the deadline."""
        front = self._front(environment)
        count = max(1, len(self.state(environment).of(release).urls))
        return sum(front.drain(instance_name(release, number), seconds_max) for number in range(count))

    def counters(self, environment: str) -> dict[str, Counted]:
        """Return what each release was asked."""
        return read_counts(self._front(environment).counters())

    def stop(self, environment: str, seconds_max: float) -> None:
        """Let it finish what is in flight and end it."""
        front = self._front(environment)
        if state := front.answers("/state"):
            end(lambda: front.shutdown(seconds_max), int(state["pid"]), seconds_max)

    def _serves(self, environment: str) -> bool:
        """Tell whether the right program answers.

        Raises:
            YourFault: another one does, which the configuration asked for before.
        """
        said = self._front(environment).answers("/state", patient=True)
        if said is None or said.get("stopping"):
            return False
        found = str(said.get("kind", "front"))
        if found != self.kind:
            raise YourFault(
                "other_balancer",
                f"The traffic of {environment} is carried by {found}, and [traffic] asks for {self.kind}.",
                "keelway down, then keelway up; users get no answer between the two",
            )
        return True

    def _front(self, environment: str) -> Front:
        self._project.named(environment)
        return Front(self._places.front_socket(environment))
