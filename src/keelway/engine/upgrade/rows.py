"""Read the rows that the durable engine left for one run as verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from keelway.engine.run.verbs import WAKE
from keelway.engine.upgrade.history import Kept

_PATCH = "DBOS.patch-"
_RESULTS = frozenset({"DBOS.getResult", "child cancelled"})


def verbs_of(run: str, rows: Sequence[Any]) -> tuple[Kept, ...]:
    """Return the verbs of a run from its rows, oldest first."""
    kept: list[Kept] = []
    for row in sorted(rows, key=lambda row: int(row["function_id"])):
        name = str(row["function_name"])
        if name == "DBOS.sleep":
            continue  # the deadline of a wait, which is told by the row before it
        if name == "DBOS.recv":
            _receive(kept, row["output"])
        elif name == "slept" and kept and kept[-1].verb == "sleep":
            kept[-1] = replace(kept[-1], ended=True)
        elif name in _RESULTS:
            kept[-1] = replace(kept[-1], ended=True, value=_outcome(row, kept[-1]))
        else:
            kept.append(_begun(run, name, row))
    return tuple(kept)


def _receive(kept: list[Kept], letter: Any) -> None:
    if letter != WAKE:
        kept[-1] = replace(kept[-1], ended=True, value=None if letter is None else letter["body"])


def _begun(run: str, name: str, row: Any) -> Kept:
    value, position = row["output"], int(row["function_id"])
    if row.get("child_workflow_id"):
        key = str(row["child_workflow_id"]).removeprefix(f"{run}/")
        return Kept(f"call {key}", None, ended=False, position=position)
    if name.startswith(_PATCH):
        return Kept(f"patch {name.removeprefix(_PATCH)}", position=position)
    if isinstance(value, dict):
        return Kept(name, value, position=position)
    if name == "now":
        return Kept(name, datetime.fromtimestamp(value, UTC).isoformat(), position=position)
    waits = name == "sleep" or name.startswith("receive ")
    return Kept(name, None, ended=not waits, position=position)


def _outcome(row: Any, begun: Kept) -> Any:
    if row["function_name"] == "child cancelled":
        return ["cancelled", None, ""]
    if row.get("error") is not None:
        return ["failed", None, str(row["error"])]
    return ["done", row["output"], ""] if not begun.ended else begun.value
