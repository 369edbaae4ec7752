"""Stand on the host and be attacked: hold secrets in every place, listen on every kind of socket, tell what arrives.

``python -I -S victim.py SPEC``; the first line of its output says where everything is, each later one what it saw.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[4]))

from keelway.programs.cage.attack.calls import call, libc
from keelway.programs.cage.attack.plan import NotHere

_SET_DUMPABLE, _SET_PTRACER, _ANYBODY = 4, 0x59616D61, -1
_MARK_BYTES_MAX = 200
_MAKE_SEGMENT, _REMOVE_SEGMENT = 0o1666, 0
_HERE, _HANDLE_BYTES = -100, 128
_NO_SUCH_PLACE = ("192.0.2.1", 9)
"""An address that is nobody's; a datagram socket that is bound for it sends nothing and learns our own."""
_SPEAKS_EVERY_SECONDS = 0.05

_saying = threading.Lock()


def main() -> None:
    """Take every place and wait until somebody ends it."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    secret = str(spec["secret"]).encode()
    if spec["uid"] and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(spec["uid"], spec["uid"], spec["uid"])
        os.setresuid(spec["uid"], spec["uid"], spec["uid"])
    libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)
    libc.prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)
    signal.signal(signal.SIGUSR1, lambda *_: say("signal_host"))
    memory = ctypes.create_string_buffer(secret.ljust(-(-len(secret) // 8) * 8, b"\0"))
    places = {
        "victim_pid": os.getpid(),
        "address": ctypes.addressof(memory),
        "secret_bytes": len(secret),
        "held_fd": _hold(secret, spec["open_folder"]),
        "segment": _segment(secret),
        "shared_file": _shared_file(secret, spec["nonce"]),
        "handle": _handle(spec["open_file"]),
        **_listen(spec, secret),
    }
    say(json.dumps(places))
    while True:
        signal.pause()


def say(words: str) -> None:
    """Write one line at once."""
    with _saying:
        sys.stdout.write(words + "\n")
        sys.stdout.flush()


def _hold(secret: bytes, folder: str) -> int:
    with tempfile.TemporaryFile(dir=folder, buffering=0) as held:
        held.write(secret)
        return os.dup(held.fileno())


def _segment(secret: bytes) -> int:
    """Make a segment that vanishes with us; Linux lets others attach until then."""
    try:
        number = call("shmget", 0, len(secret) + 1, _MAKE_SEGMENT)
        place = call("shmat", number, 0, 0)
        ctypes.memmove(place, secret, len(secret))
        call("shmctl", number, _REMOVE_SEGMENT, 0)
    except (OSError, NotHere):
        return -1
    return number


def _shared_file(secret: bytes, nonce: str) -> str:
    path = Path("/dev/shm", nonce)  # noqa: S108 - this very place is attacked
    with contextlib.suppress(OSError):
        path.write_bytes(secret)
        path.chmod(0o644)
    return str(path)


def _handle(path: str) -> str:
    wanted = ctypes.create_string_buffer(struct.pack("<Ii", _HANDLE_BYTES, 0) + bytes(_HANDLE_BYTES))
    mount = ctypes.c_int()
    try:
        call("name_to_handle_at", _HERE, os.fsencode(path), wanted, ctypes.byref(mount), 0)
    except (OSError, NotHere):
        return ""
    length, kind = struct.unpack_from("<Ii", wanted.raw)
    return f"{kind}:{wanted.raw[8 : 8 + length].hex()}"


def _listen(spec: dict[str, Any], secret: bytes) -> dict[str, Any]:
    abstract, path = spec["nonce"], str(Path(spec["open_folder"], "socket"))
    away = _own_address()
    made: dict[str, Any] = {"abstract": abstract, "socket_file": path, "away": away}
    made["tcp4"] = _serve(socket.AF_INET, ("127.0.0.1", 0))
    try:
        made["tcp6"] = _serve(socket.AF_INET6, ("::1", 0))
    except OSError:
        made["tcp6"] = 0
    made["udp4"] = _hear(("127.0.0.1", 0))
    made["away_tcp"] = _serve(socket.AF_INET, (away, 0)) if away else 0
    made["allowed_port"] = _serve(socket.AF_INET, (away, 0)) if away else 0
    made["away_udp"] = _hear((away, 0)) if away else 0
    _serve(socket.AF_UNIX, f"\0{abstract}")
    _serve(socket.AF_UNIX, path)
    Path(path).chmod(0o666)
    _apart(lambda: _speak(made["udp4"], secret))
    return made


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line, contextlib.suppress(OSError):
        line.connect(_NO_SUCH_PLACE)
        found = str(line.getsockname()[0])
        return "" if found.startswith("127.") else found
    return ""


def _serve(family: int, address: object) -> int:
    line = socket.socket(family, socket.SOCK_STREAM)
    line.bind(address)  # type: ignore[arg-type]  # every family has its own form
    line.listen(16)
    _apart(lambda: _accept(line))
    return int(line.getsockname()[1]) if family != socket.AF_UNIX else 0


def _accept(line: socket.socket) -> None:
    while True:
        with contextlib.suppress(OSError):
            guest, _ = line.accept()
            guest.settimeout(2.0)
            with guest:
                _note(guest.recv(_MARK_BYTES_MAX))


def _hear(address: tuple[str, int]) -> int:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(address)
    _apart(lambda: _receive(line))
    return int(line.getsockname()[1])


def _receive(line: socket.socket) -> None:
    while True:
        with contextlib.suppress(OSError):
            _note(line.recv(_MARK_BYTES_MAX))


def _note(words: bytes) -> None:
    _, separator, attack = words.decode("latin-1").partition(":")
    if separator:
        say(attack)


def _speak(port: int, secret: bytes) -> None:
    """Say the secret on loopback again and again, for whoever listens in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        while True:
            with contextlib.suppress(OSError):
                line.sendto(secret, ("127.0.0.1", port))
            time.sleep(_SPEAKS_EVERY_SECONDS)


def _apart(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    main()
