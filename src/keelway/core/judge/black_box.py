"""Ask the running application: what the plan promised, and the same questions of the old and the new release.

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
from keelway.core.model.plan import AcceptanceProbe, Kind, Plan
from keelway.core.model.project import BlackBox
from keelway.core.model.verdict import Finding, failed, passed

RUN = "RUN"
"""Stands in the place of the HTTP method where a command is run; its target is the name of the box."""
ROUNDS_MAX = 50
QUESTIONS_MAX = 200
_SHOWN_MAX = 5
_TEXT_SHOWN_MAX = 120
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


def judge_promised(
    asked: Sequence[tuple[Question, AcceptanceProbe]], answers: Sequence[Answer], hidden: int
) -> Finding:
    """Judge the answers to the plan's examples.

    What a hidden example wanted is not told: the finding goes to whoever it is hidden from.

    Args:
        asked: the questions, the hidden ones last.
        answers: one for each; a missing one is wrong.
        hidden: how many of them the developer was not shown.
    """
    shown = len(asked) - hidden
    given = [*answers, *[Answer(wrong="it was not asked")] * (len(asked) - len(answers))]
    wrong = []
    for number, ((question, example), answer) in enumerate(zip(asked, given, strict=False)):
        fault = _fault(question, example, answer)
        if fault:
            told = (
                f"{question}: {fault}"
                if number < shown
                else f"an example that is kept from you, at {question.place}"
            )
            wrong.append(told)
    if wrong:
        return failed(
            "black_box_examples",
            f"The running application answers {len(wrong)} of {len(asked)} examples of the plan wrongly: "
            f"{_listed(wrong)}. It has to answer every input, not those of the tests alone.",
            examined=len(asked),
        )
    return passed(
        "black_box_answers",
        f"The running application answers {len(asked)} examples of the plan, {hidden} of them kept from the developer.",
        examined=len(asked),
    )


def _fault(question: Question, example: AcceptanceProbe, answer: Answer) -> str:
    if answer.wrong:
        return answer.wrong
    if answer.status != example.status:
        return f"{answer.status}, not {example.status}"
    return "" if answer.contained else f"without {question.contains!r}"


def judge_same(
    questions: Sequence[Question],
    old: Sequence[Answer],
    again: Sequence[Answer],
    new: Sequence[Answer],
    plan: Plan,
) -> tuple[Finding, ...]:
    """Hold the answers of the new release against those of the old one.

    A question that the old release itself answers in two ways proves nothing and is left out.
    Another answer is a failure unless a feature or a fix names the place in its examples.

    Args:
        questions: what both were asked.
        old: what the old release answered.
        again: what another run of the old release answered.
        new: what the new release answered.
        plan: says what is meant to answer otherwise.
    """
    if not len(questions) == len(old) == len(again) == len(new):
        return (
            failed("black_box_unasked", "Not every question was answered; nothing is proven.", examined=0),
        )
    rows = tuple(zip(questions, old, again, new, strict=True))
    steady_ones = [row for row in rows if _key(row[1]) == _key(row[2]) and not row[1].wrong]
    if not steady_ones:
        why = next((before.wrong for before in old if before.wrong), "its answers differ from run to run")
        said = f"None of {len(rows)} questions could be compared: the old release: {why}."
        return (failed("black_box_nothing_compared", said, examined=0),)
    places = {question.place for question, _ in promised(plan, (BlackBox("*"),))}
    meant = places if plan.kind in {Kind.FEATURE, Kind.FIX} else set()
    other = [(row[0], row[1], row[3]) for row in steady_ones if _key(row[1]) != _key(row[3])]
    unmeant = [_told(*row) for row in other if row[0].place not in meant or row[2].wrong]
    planned = [_told(*row) for row in other if row[0].place in meant and not row[2].wrong]
    left_out = len(rows) - len(steady_ones)
    aside = f" {left_out} question(s) have no steady answer and were left out." if left_out else ""
    findings = []
    if unmeant:
        findings.append(
            failed(
                "black_box_differs",
                f"The new release answers {len(unmeant)} of {len(steady_ones)} questions otherwise than the old one, "
                f"and the plan does not say so: {_listed(unmeant)}.{aside}",
                examined=len(steady_ones),
            )
        )
    if planned:
        said = f"{len(planned)} answers differ where the plan says so: {_listed(planned)}."
        findings.append(passed("black_box_differs_as_planned", said, examined=len(planned)))
    if not unmeant:
        same = f"{len(steady_ones) - len(planned)} of {len(steady_ones)} answers are those of the old release.{aside}"
        findings.append(passed("black_box_compared", same, examined=len(steady_ones)))
    return tuple(findings)


def _key(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.digest, answer.wrong


def _told(question: Question, old: Answer, new: Answer) -> str:
    return f"{question}: {_shown(old)} became {_shown(new)}"


def _shown(answer: Answer) -> str:
    return answer.wrong or f"{answer.status} {' '.join(answer.text.split())[:_TEXT_SHOWN_MAX]!r}"


def _listed(rows: list[str]) -> str:
    more = f" and {len(rows) - _SHOWN_MAX} more" if rows[_SHOWN_MAX:] else ""
    return "; ".join(rows[:_SHOWN_MAX]) + more
