"""Say why a command that makes a release did not."""

from __future__ import annotations

from keelway.clients.shell import Done
from keelway.core.errors import TheirFault

_SHOWN_CHARS = 3_000


def insist_built(done: Done, argv: tuple[str, ...], what: str, seconds_max: float) -> None:
    """Insist that a command passed.

    Args:
        done: how it ended.
        argv: its words.
        what: what it does for whom, such as ``set-up of r-1``.
        seconds_max: how long it was given.

    Raises:
        TheirFault: it failed (``build_failed``), with its last lines.
    """
    if done.passed:
        return
    why = f"ended with {done.exit_code}"
    if done.could_not_start:
        why = f"did not start ({done.could_not_start})"
    elif done.timed_out:
        why = f"took longer than {seconds_max:g} s"
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
    raise TheirFault(
        "build_failed",
        f"The {what} ({' '.join(argv)}) {why}. Last lines: {said or 'none'}",
        f"correct the {what.partition(' ')[0]} command or the commit",
    )
