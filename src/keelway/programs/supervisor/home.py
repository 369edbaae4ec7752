"""Claim the supervisor's home: its folder, its lock, its log and its socket."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import stat
from logging.handlers import RotatingFileHandler
from pathlib import Path

SOCKET_NAME = "supervisor.sock"
SOCKET_PATH_BYTES_MAX = 107  # sun_path of unix(7) without the closing NUL
LOG_BYTES_MAX = 1024 * 1024
LOGS_KEPT_MAX = 2


class HomeRefused(Exception):
    """Report a home that cannot be used safely."""


class HomeTaken(Exception):
    """Report that another supervisor holds this home."""


def prepare(home: Path) -> Path:
    """Make the folder for this user alone and give its real path.

    Raises:
        HomeRefused: it belongs to someone else, others may write to it, or its path is too long for a socket.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = home.resolve(strict=True)
        facts = home.stat()
    except OSError as error:
        raise HomeRefused(f"{home} cannot be used: {error.strerror}") from None
    if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise HomeRefused(
            f"{home} must belong to the user that runs the supervisor, and only they may write: chmod 700"
        )
    length = len(os.fsencode(home / SOCKET_NAME))
    if length > SOCKET_PATH_BYTES_MAX:
        raise HomeRefused(
            f"{home} is too long for a Unix socket ({length} bytes, {SOCKET_PATH_BYTES_MAX} allowed): choose a shorter --home"
        )
    return home


def lock(home: Path) -> int:
    """Take the lock for as long as this process lives; the descriptor is never closed.

    A child between fork and exec shares it, so a supervisor that is killed in the middle of a start
    cannot be succeeded before the new process shows its mark.

    Raises:
        HomeTaken: another supervisor holds it.
    """
    descriptor = os.open(
        home / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise HomeTaken(
            f"another supervisor (pid {holder}) holds {home}; use it or choose another --home"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def listen(home: Path) -> socket.socket:
    """Bind the socket so that only this user can ever connect; a socket left by a killed supervisor is replaced."""
    path = home / SOCKET_NAME
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(str(path))
    finally:
        os.umask(before)
    server.setblocking(False)
    return server


def open_log(home: Path) -> logging.Handler:
    """Write the supervisor's own log, one line an event, at most three megabytes in all."""
    before = os.umask(0o077)
    try:
        handler = RotatingFileHandler(
            home / "supervisor.log", maxBytes=LOG_BYTES_MAX, backupCount=LOGS_KEPT_MAX, delay=False
        )
    finally:
        os.umask(before)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(formatter)
    logger = logging.getLogger("keelway.supervisor")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    logging.raiseExceptions = False  # a full disk must not turn into tracebacks
    return handler
