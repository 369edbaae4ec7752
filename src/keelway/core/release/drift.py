"""Compare what runs with what the book says: a change by hand is seen before the next deployment builds on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.release.standing import Standing


@dataclass(frozen=True)
class Seen:
    """Hold what an environment said about itself."""

    asked: bool = True
    """It could be asked."""
    active: str = ""
    """Release with the most traffic, empty for none."""
    sha: str = ""
    schema: int | None = None
    beside: tuple[str, ...] = ()
    """Other releases that take traffic."""
    epoch: int = 0
    """Of the holder that acted there last."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class DriftFacts:
    """Hold both sides."""

    environment: str
    book: Standing
    epoch: int
    """The highest one that the book gave anybody."""
    seen: Seen
    branches: tuple[str, ...] = field(default=())
    """Protected branches that somebody moved by hand."""


def refuse_drift(book: Standing, seen: Seen, release: str) -> Finding:
    """Decide whether ``release`` may be deployed onto what runs; nothing at all running is no obstacle."""
    known = {"", release, book.release, *book.moving}
    if book.unsure or not book.release or seen.active in known:
        return passed("as_recorded", f"What runs is what the book says: {seen.active or 'nothing'}.")
    return failed(
        "drifted",
        f"{seen.active} runs, but the book says {book.release}: somebody changed it by hand. "
        "See keelway drift, then adopt it or put back what was recorded.",
    )


def judge_drift(facts: DriftFacts) -> tuple[Finding, ...]:
    """Return one finding for each thing that was compared; anything but a pass is drift, or not known."""
    book, seen, where = facts.book, facts.seen, facts.environment
    if not seen.asked:
        return (failed("not_asked", f"{where} could not be asked: {seen.detail or 'no answer'}."),)
    if book.moving:
        said = f"{where} is on the move to {', '.join(book.moving)}; it is compared when that has ended."
        return (held("moving", said),)
    return (_release(facts), _commit(facts), _traffic(facts), _schema(facts), _epoch(facts), _branches(facts))


def _release(facts: DriftFacts) -> Finding:
    book, active, where = facts.book, facts.seen.active, facts.environment
    if book.unsure:
        return held("unsure", f"The last way back of {where} did not end well; the book does not know.")
    if active == book.release:
        return passed("release_same", f"{where} runs {active or 'nothing'}, as recorded.")
    if not active:
        return failed("nothing_runs", f"Nothing runs in {where}; {book.release} is recorded.")
    if not book.release:
        return failed("release_unrecorded", f"{active} runs in {where}; nothing is recorded.")
    return failed("release_differs", f"{active} runs in {where}; {book.release} is recorded.")


def _commit(facts: DriftFacts) -> Finding:
    book, seen = facts.book, facts.seen
    comparable = book.sha and seen.sha and book.release == seen.active
    if comparable and book.sha != seen.sha:
        said = f"{book.release} was built from {book.sha[:12]}; what runs says {seen.sha[:12]}."
        return failed("commit_differs", said)
    return passed("commit_same", "It is built from the recorded commit." if comparable else "Not comparable.")


def _traffic(facts: DriftFacts) -> Finding:
    beside = facts.seen.beside
    if beside:
        return failed("traffic_split", f"{', '.join(beside)} take traffic as well.")
    return passed("traffic_whole", "One release takes all traffic.")


def _schema(facts: DriftFacts) -> Finding:
    book, seen = facts.book, facts.seen
    comparable = book.schema is not None and seen.schema is not None and book.release == seen.active
    if comparable and book.schema != seen.schema:
        said = f"The schema is at version {seen.schema}; {book.schema} is recorded."
        return failed("schema_differs", said)
    return passed(
        "schema_same", f"The schema is at version {seen.schema}." if comparable else "Not comparable."
    )


def _epoch(facts: DriftFacts) -> Finding:
    if facts.seen.epoch > facts.epoch:
        said = f"Somebody acted under epoch {facts.seen.epoch}; the book gave {facts.epoch} at most."
        return failed("epoch_unknown", said)
    return passed("epoch_known", "Nobody acted there whom the book does not know.")


def _branches(facts: DriftFacts) -> Finding:
    if facts.branches:
        return failed("branch_moved", f"Moved by hand: {', '.join(facts.branches)}.")
    return passed("branches_kept", "The protected branches are where Keelway left them.")
