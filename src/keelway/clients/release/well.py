"""Ask the health questions of an application at the address that users call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from keelway.clients.asking import ask, ask_each
from keelway.core.model.project import ProbeSpec

_GOOD_IN_A_ROW = 2
_PAUSE_SECONDS = 0.2


def wait_healthy(probes: Sequence[ProbeSpec], url: str, seconds_max: float) -> str:
    """Ask all probes until they answer well twice in a row; return "" or what is wrong in the end."""
    deadline, good = time.monotonic() + seconds_max, 0
    while True:
        wrong = unwell(probes, url)
        good = 0 if wrong else good + 1
        if good == _GOOD_IN_A_ROW:
            return ""
        if wrong and time.monotonic() > deadline:
            return f"{wrong}; not healthy within {seconds_max:g} s"
        time.sleep(_PAUSE_SECONDS)


def unwell(probes: Sequence[ProbeSpec], url: str, values: Mapping[str, str] | None = None) -> str:
    """Ask every probe once; return "" or which one was not answered well.

    Args:
        probes: questions over HTTP.
        url: base address of whoever is asked.
        values: what is filled in, and as ``release`` who has to answer.
    """
    for spec in probes:
        asked = ask_each(ask, url, spec, values or {})
        if asked.wrong:
            return f"probe {spec.name}: {asked.wrong}"
    return "" if probes else "there is no probe, so nothing says that it is healthy"
