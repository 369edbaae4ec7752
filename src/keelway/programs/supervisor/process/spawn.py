"""Start a process in a session of its own, with an environment built from nothing."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import psutil

from keelway.programs.supervisor.process.logfile import open_log
from keelway.programs.supervisor.process.table import Identity, look_up
from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import MARKER_NAME, Spec


def child_environment(spec: Spec, secrets: Mapping[str, str], mark: str) -> dict[str, str]:
    """Build the environment from the spec, the secrets and the marker, and from nothing else."""
    return {**spec.env, **secrets, MARKER_NAME: mark}


def spawn(spec: Spec, secrets: Mapping[str, str], mark: str) -> tuple[subprocess.Popen[bytes], Identity]:
    """Start the process; it leads its own session and group, reads nothing and appends to its log.

    Raises:
        Refusal: 422 when the log, the folder or the program cannot be used.
    """
    try:
        log = open_log(Path(spec.log_path))
    except OSError as error:
        raise _cannot_start(
            f"its log {spec.log_path} cannot be written ({error.strerror or error})"
        ) from None
    try:
        child = subprocess.Popen(
            spec.argv,
            cwd=spec.cwd,
            env=child_environment(spec, secrets, mark),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        named = error.filename if isinstance(error, OSError) and error.filename else spec.argv[0]
        raise _cannot_start(f"{named}: {why}") from None
    finally:
        os.close(log)
    return child, _identify(child)


def _identify(child: subprocess.Popen[bytes]) -> Identity:
    """Note who was started; a child we could not find again must not live."""
    entry, why = None, "it is not in the process table"
    try:
        entry = look_up(child.pid)
    except OSError as error:
        why = str(error)
    if entry is None:
        child.kill()
        child.wait()
        raise _cannot_start(why)
    return entry.identity


def create_time(identity: Identity) -> float | None:
    """Give the birth of the process in epoch seconds, for people; None when it is gone."""
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(identity.pid).create_time())
    return None


def usage(identity: Identity) -> dict[str, float | int | None]:
    """Sum memory, processor time and open files of the process and its descendants; None where unknown."""
    totals: dict[str, float | int | None] = {"rss_bytes": None, "cpu_seconds": None, "fds": None}
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(identity.pid)
        everyone = [leader, *leader.children(recursive=True)]
        shares = [one for one in map(_share, everyone) if one is not None]
        if shares:
            rss, cpu, fds = zip(*shares, strict=True)
            totals = {"rss_bytes": sum(rss), "cpu_seconds": round(sum(cpu), 3), "fds": sum(fds)}
    return totals


def _share(one: psutil.Process) -> tuple[int, float, int] | None:
    try:
        with one.oneshot():
            times = one.cpu_times()
            return one.memory_info().rss, times.user + times.system, one.num_fds()
    except psutil.Error:
        return None


def _cannot_start(why: str) -> Refusal:
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "cannot_start",
        f"The process could not be started: {why}.",
        "correct argv, cwd, env or log_path and send it again",
    )
