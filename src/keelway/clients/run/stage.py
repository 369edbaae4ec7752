"""Set one run up and take it down again: its home, its files, its way to the model, its cage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from keelway.clients.cage.cage import Inside
from keelway.clients.files import write_atomic
from keelway.clients.gateway.values import Grant
from keelway.clients.run.fence import MODEL_PORT, Outlet
from keelway.clients.run.launch import Launch, fill, fill_file
from keelway.clients.run.purse import Purse
from keelway.clients.run.room import Room
from keelway.clients.run.turn import Order
from keelway.clients.shell import MARKER, Command
from keelway.core.errors import YourFault
from keelway.core.rule.sensitive import instructs_agents

_PATH = "/usr/local/bin:/usr/bin:/bin"
_PIPE_BYTES = 1_048_576
_WORD_BYTES_MAX = 130_000
"""Linux starts no program with a longer argument."""
_PROMPT_FILE = "prompt.md"


@dataclass
class Stage:
    """Prepare what a run needs, and take it back."""

    launch: Launch
    order: Order
    room: Room
    purse: Purse | None = field(default=None, init=False)
    outlet: Outlet | None = field(default=None, init=False)
    _inside: Inside | None = field(default=None, init=False)

    @property
    def cwd(self) -> str:
        """Return the folder in which the agent works."""
        return self.order.workspace or str(self.room.empty)

    def set_up(self, marker: str, *, greet_only: bool) -> Command:
        """Fill the blanks, write the files and put the command behind the fence.

        Raises:
            FileNotFoundError: there is no such workspace.
            YourFault: a file of the launch would lie outside the home, or the cage cannot be had.
            OSError: the home cannot be written.
        """
        if not Path(self.cwd).is_dir():
            raise FileNotFoundError(f"the workspace {self.cwd} does not exist")
        if not greet_only:
            self.purse = self._purse()
            self.outlet = self.launch.fence.outlet(str(self.room.egress))
        launch, blanks = self.launch, self._blanks()
        home = str(self.room.home)
        for name, text in launch.files.items():
            write_atomic(self._file(name), fill_file(name, text, blanks).encode(errors="replace"), 0o600)
        words = launch.version_argv if greet_only and launch.version_argv else launch.argv
        argv = tuple(fill(word, blanks) for word in words)
        if max(len(word.encode(errors="replace")) for word in argv) > _WORD_BYTES_MAX:
            raise YourFault(
                "prompt_too_long",
                f"The prompt is longer than {_WORD_BYTES_MAX} bytes, and {launch.name} takes it as an argument.",
                "split the task, or use an agent that speaks ACP",
            )
        env = {"PATH": _PATH, "LANG": "C.UTF-8", **(self.outlet.env if self.outlet else {})}
        env |= {name: fill(text, blanks) for name, text in launch.env.items()}
        env |= {"HOME": home, MARKER: marker}
        self._inside = Inside(
            argv=argv,
            env=env,
            cwd=self.cwd,
            home=home,
            workspace=self.cwd,
            writes=self.order.writes or not self.order.workspace,
            reads=(*launch.reads, *self._borrowed(), *_shielded(self.order)),
            relays=self._relays(),
            ports=self._ports(),
            bounds=launch.fence.bounds,
        )
        outside = launch.fence.cage.wrap(self._inside)
        stdin = "" if greet_only else fill(launch.stdin, blanks)
        outer = dict(outside.env) | {MARKER: marker}
        return Command(outside.argv, outside.cwd, outer, 0.0, _PIPE_BYTES, stdin.encode(errors="replace"))

    def over(self) -> str:
        """Return the bound that the live run has passed: ``disk``, ``memory`` or an empty text."""
        return self.launch.fence.cage.over(self._inside) if self._inside else ""

    def strike(self) -> str:
        """Take cage and passes back; return what the run hit: ``memory``, ``disk`` or nothing."""
        for way in (self.purse, self.outlet):
            if way:
                way.close()
        return self.launch.fence.cage.release(self._inside) if self._inside else ""

    def _blanks(self) -> dict[str, str]:
        """Return what ``${home}`` and the other blanks of a launch stand for."""
        return {
            "home": str(self.room.home),
            "workspace": self.cwd,
            "url": self._url(),
            "token": self.purse.ticket.token if self.purse else "none",
            "api": self._api(),
            "model": self.launch.model,
            "prompt": self.order.prompt,
            "prompt_file": str(self.room.home / _PROMPT_FILE),
        }

    def _purse(self) -> Purse | None:
        launch, order, gate = self.launch, self.order, self.launch.fence.gate
        if gate is None or not launch.provider:
            return None
        grant = Grant(
            task=order.task,
            role=order.role,
            attempt=order.attempt,
            agent=launch.name,
            provider=launch.provider,
            models=(launch.model,) if launch.model else (),
            cost_usd_max=order.limits.cost_usd_max,
            tokens_max=order.limits.tokens_max,
            log_path=str(self.room.requests),
        )
        return Purse(gate, grant)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what only this run may know."""
        tickets = (self.purse and self.purse.ticket.token, self.outlet and self.outlet.ticket.token)
        return tuple(token for token in tickets if token)

    def _borrowed(self) -> tuple[str, ...]:
        """Return where git finds what the workspace borrows; the workspace itself is not asked: agents write it."""
        objects = self.launch.fence.objects
        return (objects,) if objects and self.order.workspace and Path(objects).is_dir() else ()

    def _relays(self) -> dict[int, str]:
        isolated = self.launch.fence.cage.isolates_network
        model = {MODEL_PORT: self.purse.ticket.socket} if self.purse and isolated else {}
        return model | (self.outlet.relays if self.outlet else {})

    def _ports(self) -> tuple[int, ...]:
        """Return the ports of the host that a cage without a network of its own has to let through."""
        port = urlsplit(self.purse.ticket.url).port if self.purse else None
        model = (port,) if port and not self.launch.fence.cage.isolates_network else ()
        return (*model, *(self.outlet.ports if self.outlet else ()))

    def _api(self) -> str:
        """Return the first of what the agent can speak that its provider understands."""
        spoken = self.launch.apis
        if not (self.purse and spoken):
            return next(iter(spoken), "")
        for api in spoken:
            if api in self.purse.ticket.apis:
                return api
        raise YourFault(
            "other_api",
            f"{self.launch.name} speaks {' or '.join(spoken)}, the provider {self.launch.provider} "
            f"{' or '.join(self.purse.ticket.apis)}.",
            "choose another agent or another provider under [agent]",
        )

    def _url(self) -> str:
        if self.purse and not self.launch.fence.cage.isolates_network:
            return self.purse.ticket.url
        return f"http://127.0.0.1:{MODEL_PORT}"

    def _file(self, name: str) -> Path:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise YourFault(
                "file_outside_home", f"{name!r} would lie outside the agent's home.", "name it below the home"
            )
        return self.room.home / path


def _shielded(order: Order) -> list[str]:
    """Return what agents take orders from at the top of a workspace: read-only even where all else is writable.

    A link is left alone: bound, it would show what it points to.
    """
    if not (order.workspace and order.writes):
        return []
    entries = [entry for entry in sorted(Path(order.workspace).iterdir()) if not entry.is_symlink()]
    return [
        str(entry)
        for entry in entries
        if instructs_agents(f"{entry.name}/x" if entry.is_dir() else entry.name)
    ]
