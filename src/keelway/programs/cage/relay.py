"""Run the command of a run inside its fence, with loopback ports that lead to Unix sockets outside, and back.

Started as ``python -I -S relay.py --relay 4180=/run/keelway/4180.sock --limit NPROC=512 --unset PWD -- command``.
With ``--door 8080=/place/door.sock`` a Unix socket leads to a loopback port inside, on which the command may serve.
The command keeps our standard input and outputs, gets our signals, and its end is our end. With ``--filter yes``
it is held to our filter of system calls, for fences that put up none of ours from outside.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys

sys.path.insert(0, os.path.abspath(f"{__file__}/../../../.."))

from keelway.programs.cage.spec import hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_CHUNK_BYTES = 65_536
_BACKLOG = 128
_PAIRS_MAX = 400
"""Connections at a time; more wait in the queue of the port."""
_FAILED = 125
_FORWARDED = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT),
)


class Order:
    """Hold what the arguments say."""

    def __init__(self, words: list[str]) -> None:
        cut = words.index("--")
        self.argv = words[cut + 1 :]
        found: dict[str, list[str]] = {
            name: [] for name in ("--relay", "--door", "--limit", "--unset", "--filter")
        }
        for name, value in zip(words[:cut:2], words[1:cut:2], strict=True):
            found[name].append(value)
        self.relays = {int(port): path for port, path in (value.split("=", 1) for value in found["--relay"])}
        self.doors = {path: int(port) for port, path in (value.split("=", 1) for value in found["--door"])}
        self.limits = {name: int(most) for name, most in (value.split("=", 1) for value in found["--limit"])}
        self.unset = frozenset(found["--unset"])
        self.filtered = bool(found["--filter"])


class Side:
    """Hold one end of a connection and what waits to be sent to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.waiting = bytearray()
        self.heard = False
        """It will send nothing more."""
        self.told = False
        """It was told that nothing more comes."""


class Relay:
    """Pass bytes between connections to loopback ports and Unix sockets, and wait for the command."""

    def __init__(self, relays: dict[int, str], doors: dict[str, int]) -> None:
        self._selector = selectors.DefaultSelector()
        self._doors: dict[socket.socket, str | int] = {}
        for port, path in relays.items():
            self._doors[self._listen(socket.create_server(("127.0.0.1", port), backlog=_BACKLOG))] = path
        for path, port in doors.items():
            self._doors[self._listen(_at(path))] = port
        self._pairs: dict[socket.socket, tuple[Side, Side]] = {}
        self._open = True

    def until(self, ended: Callable[[], bool], wake: int) -> None:
        """Serve until something has ended; ``wake`` becomes readable when it may have."""
        self._selector.register(wake, selectors.EVENT_READ)
        while not ended():
            for key, events in self._selector.select():
                if key.fileobj == wake:
                    os.read(wake, _CHUNK_BYTES)
                elif key.fileobj in self._doors:
                    self._admit(key.fileobj)
                elif key.fileobj in self._pairs:
                    self._serve(key.fileobj, events)

    def _listen(self, door: socket.socket) -> socket.socket:
        door.setblocking(False)
        self._selector.register(door, selectors.EVENT_READ)
        return door

    def _admit(self, door: socket.socket) -> None:
        try:
            near, _ = door.accept()
        except OSError:
            return
        target = self._doors[door]
        far = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
        try:
            if isinstance(target, str):
                far.setblocking(False)  # a server that is stuck must not hold up the others
                far.connect(target)
            else:
                far.connect(("127.0.0.1", target))  # on the own loopback that takes no time
                far.setblocking(False)
            (near if isinstance(target, str) else far).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            near.close()
            far.close()
            return
        sides = Side(near), Side(far)
        near.setblocking(False)
        for side, other in (sides, sides[::-1]):
            self._pairs[side.socket] = (side, other)
            self._selector.register(side.socket, selectors.EVENT_READ)
        self._let_in()

    def _let_in(self) -> None:
        """Open the doors while there is room for one more connection, else close them."""
        wanted = len(self._pairs) < 2 * _PAIRS_MAX
        if wanted != self._open:
            for door in self._doors:
                if wanted:
                    self._selector.register(door, selectors.EVENT_READ)
                else:
                    self._selector.unregister(door)
            self._open = wanted

    def _serve(self, which: socket.socket, events: int) -> None:
        side, other = self._pairs[which]
        try:
            if events & selectors.EVENT_READ and not side.heard and not other.waiting:
                data = which.recv(_CHUNK_BYTES)
                other.waiting += data
                side.heard = not data
            for receiver, sender in ((side, other), (other, side)):
                _send(receiver, sender)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(side, other)
            return
        if side.told and other.told:
            self._drop(side, other)
            return
        for one, partner in ((side, other), (other, side)):
            self._watch(one, partner)

    def _watch(self, side: Side, other: Side) -> None:
        reads = selectors.EVENT_READ if not side.heard and not other.waiting else 0
        events = reads | (selectors.EVENT_WRITE if side.waiting else 0)
        known = side.socket in self._selector.get_map()
        if events and known:
            self._selector.modify(side.socket, events)
        elif events:
            self._selector.register(side.socket, events)
        elif known:
            self._selector.unregister(side.socket)

    def _drop(self, *sides: Side) -> None:
        for side in sides:
            del self._pairs[side.socket]
            if side.socket in self._selector.get_map():
                self._selector.unregister(side.socket)
            side.socket.close()
        self._let_in()


def _at(path: str) -> socket.socket:
    """Listen on a Unix socket, whose path may be longer than the kernel takes in one word."""
    door, here = socket.socket(socket.AF_UNIX), os.getcwd()
    os.chdir(os.path.dirname(path))
    try:
        door.bind(os.path.basename(path))
    finally:
        os.chdir(here)
    door.listen(_BACKLOG)
    return door


def _send(receiver: Side, sender: Side) -> None:
    """Send what waits; after the last of it, say that nothing more comes."""
    if receiver.waiting:
        sent = receiver.socket.send(receiver.waiting)
        del receiver.waiting[:sent]
    if sender.heard and not receiver.waiting and not receiver.told:
        receiver.told = True
        receiver.socket.shutdown(socket.SHUT_WR)


def main() -> NoReturn:
    """Open the ports, run the command and end with its exit code."""
    order = Order(sys.argv[1:])
    try:
        relay = Relay(order.relays, order.doors)
    except OSError as error:
        _fail(f"a port of the relay could not be opened: {error}")
    wake, waker = os.pipe()
    for descriptor in (wake, waker):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = start(order)
    for number in _FORWARDED:
        signal.signal(number, lambda received, _frame: _pass_on(pid, received))
    _let_go()
    code = Code(pid)
    relay.until(code.known, wake)
    os._exit(code.value)


class Code:
    """Wait for a process without standing still."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.value = 0

    def known(self) -> bool:
        """Tell whether the process has ended; its exit code is known then."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            self.value = code if code >= 0 else 128 - code
        return bool(pid)


def start(order: Order) -> int:
    """Start the command in a session of its own and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (
            signal.SIGCHLD,
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ):  # the interpreter ignores the last two
            signal.signal(number, signal.SIG_DFL)
        hold(order.limits)
        if order.filtered:
            _filter()
        env = {name: value for name, value in os.environ.items() if name not in order.unset}
        os.execvpe(order.argv[0], order.argv, env)  # noqa: S606 - the one purpose of this program
    except OSError as error:
        _fail(f"{order.argv[0]} could not be started: {error}")


def _filter() -> None:
    from keelway.programs.cage import seccomp  # what it needs takes time to load, and few runs do

    if seccomp.supported():
        seccomp.restrict(seccomp.program(alone=False))


def _pass_on(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return  # it has just ended


def _let_go() -> None:
    """Give up standard input and outputs, so that they close when the command closes them."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"keelway: {message}\n")
    sys.stderr.flush()
    os._exit(_FAILED)


if __name__ == "__main__":
    main()
