"""What one bad release cost: a row of the table, from what its users saw and what the book says."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from tests.releases.kinds.kind import End, Kind
from tests.releases.pier import Pier

from keelway.core.model.event import Event, EventKind
from keelway.core.model.handover import Merged
from keelway.core.model.project import PRODUCTION

_SHOWN = 90


@dataclass(frozen=True)
class Row:
    """Hold one row."""

    name: str
    row: str
    what: str
    end: str
    right: bool
    """It ended as it may."""
    by: str
    """What noticed it."""
    detect_seconds: float | None
    """From the switch of the traffic to the verdict; before traffic, from the begin of the deploy."""
    back_seconds: float | None
    """From the verdict until the last user had a good answer again."""
    errors: int
    requests: int
    rows_lost: int
    said: str = ""


def row_of(pier: Pier, kind: Kind, merged: Merged, told: dict[str, Any], until: float) -> Row:
    """Put a row together after everything is over."""
    task, ledger = merged.task.id, pier.app.ledger
    events = [link.event for link in ledger.events(task=task, limit=10_000)]
    events += [
        link.event for link in ledger.events(limit=10_000) if link.event.data.get("order") == f"{task}:back"
    ]
    switched = _given_users(events)
    verdict = _at(events, EventKind.ROLLBACK_STARTED, environment=PRODUCTION)
    began = _at(events, EventKind.EFFECT_INTENDED, stage="production") or until
    failed = _at(events, EventKind.STAGE_FINISHED, stage="production", status="failed")
    sent = pier.users.between(began, until)
    wrong = [one for one in sent if one.wrong]
    late = [one.done_at for one in wrong if verdict and one.done_at > verdict]
    end = end_of(pier, task, told, events, switched)
    detected = verdict or failed
    since = switched or began
    return Row(
        name=kind.name,
        row=kind.row,
        what=kind.what,
        end=end.value,
        right=end in kind.ends,
        by=_by(told, events),
        detect_seconds=round(detected - since, 1) if detected and end is not End.LIVE else None,
        back_seconds=round(max(late) - verdict, 1) if late and verdict else (0.0 if verdict else None),
        errors=len(wrong),
        requests=len(sent),
        rows_lost=len(pier.lost()),
        said=str(told.get("message", ""))[:400],
    )


def end_of(pier: Pier, task: str, told: dict[str, Any], events: list[Event], switched: float | None) -> End:
    """Say how it ended."""
    asked = any(event.kind is EventKind.QUESTION_ASKED for event in events)
    if pier.app.ledger.freeze().active:
        return End.PAGED
    if told["ok"]:
        back = any(event.kind is EventKind.ROLLBACK_FINISHED and event.data["verified"] for event in events)
        return End.WATCHED if back else End.LIVE
    if asked:
        return End.ASKED
    if switched is None:
        return End.REFUSED
    back = [event for event in events if event.kind is EventKind.ROLLBACK_FINISHED]
    production = [event for event in back if event.data.get("environment") == PRODUCTION]
    return End.BACK if production and production[-1].data["verified"] else End.LIVE


def _given_users(events: list[Event]) -> float | None:
    """Return when it got its first users, all of them or a share."""
    for event in events:
        effect = str(event.data.get("effect", ""))
        if (event.kind, event.stage) == (EventKind.EFFECT_DONE, "production") and effect.split(
            ":", maxsplit=1
        )[0] == "switch":
            return event.at.timestamp()
    return None


def _at(events: list[Event], kind: EventKind, stage: str = "", **data: Any) -> float | None:
    for event in events:
        fits = event.kind is kind and stage in {"", event.stage}
        if fits and all(event.data.get(name) == value for name, value in data.items()):
            return event.at.timestamp()
    return None


def _by(told: dict[str, Any], events: list[Event]) -> str:
    """Name what noticed it: the findings of the gate, or the reasons of the judgement."""
    if told["ok"]:
        looked = [
            event for event in events if event.kind is EventKind.GATE_JUDGED and event.data["gate"] == "watch"
        ]
        codes = [
            found["code"]
            for event in looked[-1:]
            for found in event.data["findings"]
            if found["ruling"] != "pass"
        ]
        return "watch: " + ", ".join(dict.fromkeys(codes)) if codes else ""
    if "numbers_bad" in told["findings"]:
        seen = [event for event in events if event.kind is EventKind.OBSERVED]
        return _reason(seen[-1].data["reasons"][0]) if seen else "numbers"
    code = told["code"]
    if code == "running":  # frozen until people act: its own story has no result yet
        code = next(
            (event.data["code"] for event in reversed(events) if event.data.get("end") == "faulted"), code
        )
    return ", ".join(dict.fromkeys(told["findings"] or [code]))


_REASONS = (
    ("probe", re.compile(r"^(?:Probe|The probe)|probe .* failed", re.IGNORECASE)),
    ("log", re.compile(r"It logs more")),
    ("processes", re.compile(r"Its processes restarted|It holds \d+ of|memory|descriptors|What it writes")),
    ("users turned away", re.compile(r"turned away")),
    ("latency", re.compile(r"slower than")),
    ("new exceptions", re.compile(r"not seen before the deploy")),
    ("error rate", re.compile(r"failed|error")),
)


def _reason(sentence: str) -> str:
    return next((name for name, pattern in _REASONS if pattern.search(sentence)), sentence[:_SHOWN])


def plain(row: Row) -> dict[str, Any]:
    """Return a row as JSON."""
    return asdict(row)
