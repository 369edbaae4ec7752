"""Hold an answer against what a question expects; every deviation is named, none is guessed away."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from keelway.core.model.project import ProbeSpec
from keelway.core.probe.fill import field_of

SHOWN_MAX = 200


@dataclass(frozen=True)
class Answered:
    """Hold what came back over HTTP."""

    status: int
    text: str
    latency_ms: float
    headers: Mapping[str, str] = field(default_factory=dict)


def wrong_of(spec: ProbeSpec, answered: Answered, release: str = "") -> str:
    """Return "" for a good answer, else what is wrong with it.

    Args:
        spec: the question, filled.
        answered: what came back.
        release: the release that should have answered; empty when that is not known.
    """
    asked = f"{spec.method} {spec.path}"
    if answered.status != spec.status:
        shown = answered.text[:SHOWN_MAX].strip()
        return f"{asked} answered {answered.status}, not {spec.status}: {shown}"
    if spec.body_contains not in answered.text:
        return f"{asked} answered without {spec.body_contains!r}"
    if spec.body_lacks and spec.body_lacks in answered.text:
        return f"{asked} answered with {spec.body_lacks!r}"
    if wrong := _header(spec.headers, answered.headers):
        return f"{asked} answered {wrong}"
    if wrong := stranger(spec, answered, release):
        return f"{asked} {wrong}"
    if answered.latency_ms > spec.latency_ms_max:
        return f"{asked} took {answered.latency_ms:.0f} ms, at most {spec.latency_ms_max:g}"
    return ""


def _header(wanted: Mapping[str, str], got: Mapping[str, str]) -> str:
    lower = {name.lower(): value for name, value in got.items()}
    for name, text in wanted.items():
        value = lower.get(name.lower())
        if value is None:
            return f"without the header {name}"
        if text.lower() not in value.lower():
            return f"with {name}: {value[:SHOWN_MAX]}, which lacks {text!r}"
    return ""


def stranger(spec: ProbeSpec, answered: Answered, release: str) -> str:
    """Return "" unless the answer comes from another release than the one that was deployed."""
    where, _, name = spec.release.partition(" ")
    if not (where and release):
        return ""
    if where == "header":
        said = next((text for key, text in answered.headers.items() if key.lower() == name.lower()), None)
    else:
        said = field_of(answered.text, name)
    if said == release:
        return ""
    return f"was answered by {said[:SHOWN_MAX] if said else 'a release without a name'}, not by {release}"


def wrong_row(spec: ProbeSpec, row: Sequence[object]) -> str:
    """Return "" when the numbers of a row are within what a question allows, else what is wrong."""
    if spec.counts:
        done, failed = totals_of(row)
        if done < 0 or failed < 0:
            return "the answer has no two whole numbers, work done and work failed"
    if spec.value_min is None and spec.value_max is None:
        return ""
    value = _number(row[0] if row else None)
    if value is None:
        return f"the answer begins with {str(row[0])[:SHOWN_MAX] if row else 'nothing'}, which is no number"
    if spec.value_min is not None and value < spec.value_min:
        return f"the answer is {value:g}, at least {spec.value_min:g} is needed"
    if spec.value_max is not None and value > spec.value_max:
        return f"the answer is {value:g}, at most {spec.value_max:g} is allowed"
    return ""


def totals_of(row: Sequence[object]) -> tuple[int, int]:
    """Return (done, failed) of a row, -1 for what is no whole number."""
    found = [_number(value) for value in row[:2]]
    whole = [
        int(value) if value is not None and value >= 0 and value == int(value) else -1 for value in found
    ]
    done, failed = (*whole, -1, -1)[:2]
    return done, failed


def numbers_in(text: str) -> tuple[float, ...]:
    """Return the leading numbers of a text, such as what a command prints."""
    found: list[float] = []
    for word in text.split():
        value = _number(word.strip(",;"))
        if value is None:
            break
        found.append(value)
    return tuple(found)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def worst_of(found: Iterable[tuple[str, str]]) -> str:
    """Join what is wrong with some of several names; empty when all are well."""
    return "; ".join(f"{name}: {wrong}" for name, wrong in found if wrong)
