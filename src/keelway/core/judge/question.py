"""What a running application is asked: what the plan promised, and the same questions of the old and the new release.

The tests share an interpreter with the code they judge, so code can behave for them. Here the
application runs in a process of its own and is asked what its author has not seen.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.project import BlackBox

RUN = "RUN"
"""Stands in the place of the HTTP method where a command is run; its target is the name of the box."""
ROUNDS_MAX = 50
QUESTIONS_MAX = 200
_WORDS = [
    "harbour",
    "ship",
    "crane",
    "anna",
    "lot",
    "tide",
    "buoy",
    "quay",
    "mast",
    "keel",
    "rope",
    "sail",
    "deck",
    "hull",
    "bow",
    "stern",
    "port",
    "cargo",
    "pier",
    "wave",
]
_SLOT = re.compile(r"\{(?P<kind>number|word|one)(?::(?P<of>[^{}]+))?\}")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")
_ASK = re.compile(r"(?P<method>[A-Z]{3,7}) (?P<target>/\S*)(?: (?P<body>.+))?")
_CHANGING = (
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"),
    re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
)


@dataclass(frozen=True)
class Question:
    """Ask a black box one thing."""

    box: str
    method: str
    """An HTTP method, or ``RUN`` for a command."""
    target: str
    """Path with its query; of a command the words that are added to it, as a shell would quote them."""
    body: str = ""
    """JSON text; empty for none."""
    contains: str = ""
    """What a good answer holds; only asked where the plan says so."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return what is added to a command."""
        return tuple(shlex.split(self.target))

    @property
    def place(self) -> str:
        """Return what is asked without its input: a path without its query, or the name of the box."""
        return self.box if self.method == RUN else self.target.partition("?")[0]

    def __str__(self) -> str:
        asked = f"{self.box}: {self.target}" if self.method == RUN else f"{self.method} {self.target}"
        return f"{asked} {self.body}".strip()


@dataclass(frozen=True)
class Answer:
    """Hold what came back; ``wrong`` says why nothing did."""

    status: int = 0
    """HTTP status, or the exit code of a command."""
    text: str = ""
    """The beginning of the answer."""
    digest: str = ""
    """Of the whole answer, without instants and random ids."""
    contained: bool = True
    """Whether it held what was asked for."""
    wrong: str = ""


def steady(text: str) -> str:
    """Return an answer with marks in the place of instants and random ids, which differ in every run."""
    for pattern in _CHANGING:
        text = pattern.sub("#", text)
    return text


def faults_of(boxes: Sequence[BlackBox]) -> list[str]:
    """Say what is wrong with configured black boxes."""
    names = [box.name for box in boxes]
    faults = [f"black_box {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    for box in boxes:
        faults += [f"black_box {box.name!r} {fault}" for fault in _faults(box)]
    return faults


def _faults(box: BlackBox) -> Iterator[str]:
    if box.use not in {"http", "command"}:
        yield f"has the unknown use {box.use!r}; known: http, command"
    if box.use == "command" and not box.run:
        yield "has an empty command"
    if not 1 <= box.rounds <= ROUNDS_MAX:
        yield f"has {box.rounds} rounds; 1 to {ROUNDS_MAX} are possible"
    for ask in box.asks:
        if box.use == "http" and not _ASK.fullmatch(ask):
            yield f"asks {ask!r}; a question reads like GET /path or POST /path {{...}}"
        if any(not _slot_fits(slot) for slot in _SLOT.finditer(ask)):
            yield f"asks {ask!r} with a range that cannot be read; it reads like {{number:1-50}} or {{one:a|b}}"


def _slot_fits(slot: re.Match[str]) -> bool:
    kind, of = slot["kind"], slot["of"]
    if kind == "number" and of:
        bounds = _RANGE.fullmatch(of)
        return bounds is not None and int(bounds[1]) <= int(bounds[2])
    return bool(of) == (kind == "one") or kind == "number"


def promised(plan: Plan, boxes: Sequence[BlackBox]) -> tuple[tuple[Question, AcceptanceProbe], ...]:
    """Return the plan's acceptance examples as questions, those that the developer was not shown last."""
    web = next((box.name for box in boxes if box.use == "http"), "")
    asked = []
    for example in (*plan.probes, *plan.examples):
        if example.method == RUN:
            asked.append(
                (Question(example.path, RUN, _command_words(example), "", example.body_contains), example)
            )
        elif web:
            question = Question(web, example.method, example.path, example.send_json, example.body_contains)
            asked.append((question, example))
    return tuple(asked)


def _command_words(example: AcceptanceProbe) -> str:
    try:
        words = json.loads(example.send_json or "[]")
    except ValueError:
        words = [example.send_json]
    return shlex.join([str(word) for word in words] if isinstance(words, list) else [str(words)])


def generated(boxes: Sequence[BlackBox], seed: str) -> tuple[Question, ...]:
    """Return questions with inputs that nobody knew before the commit was made: they follow from ``seed``."""
    found: list[Question] = []
    for box in boxes:
        for place, ask in enumerate(box.asks):
            rounds = box.rounds if _SLOT.search(ask) else 1
            found += [
                _asked(box, _filled(ask, f"{seed}/{box.name}/{place}/{turn}", turn)) for turn in range(rounds)
            ]
    return tuple(dict.fromkeys(found))[:QUESTIONS_MAX]


def _asked(box: BlackBox, text: str) -> Question:
    parts = _ASK.fullmatch(text) if box.use == "http" else None
    if parts is None:
        return Question(box.name, RUN, text)
    return Question(box.name, parts["method"], parts["target"], parts["body"] or "")


def _filled(ask: str, seed: str, turn: int) -> str:
    numbers = iter(range(len(ask)))

    def value(slot: re.Match[str]) -> str:
        chance = int(digest(f"{seed}/{next(numbers)}").removeprefix("sha256:")[:15], 16)
        if slot["kind"] == "one":
            choices = slot["of"].split("|")
            return choices[chance % len(choices)]
        if slot["kind"] == "word":
            return f"{_WORDS[chance % len(_WORDS)]}{chance % 997 if turn else ''}"
        bounds = _RANGE.fullmatch(slot["of"] or "")
        low, high = (int(bounds[1]), int(bounds[2])) if bounds else (0, 10 ** (1 + turn % 4) - 1)
        return str(low + chance % (high - low + 1))

    return _SLOT.sub(value, ask)
