"""Ask a health question over HTTP, as a user would, and compare the answer with what is expected."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import ProbeSpec
from keelway.core.probe.answer import Answered, worst_of, wrong_of
from keelway.core.probe.disguise import disguise
from keelway.core.probe.fill import filled, following

_BODY_BYTES_MAX = 1024 * 1024
_POLL_SECONDS = 0.2
_RELEASE = "release"

Way = Callable[[str, ProbeSpec, Mapping[str, str]], "Asked"]


@dataclass(frozen=True)
class Asked:
    """Hold how a question was answered; ``wrong`` is empty for a good answer."""

    latency_ms: float
    status: int = 0
    wrong: str = ""
    text: str = ""


def ask(url: str, spec: ProbeSpec, values: Mapping[str, str] | None = None) -> Asked:
    """Ask once; no answer in time, a large one or one that is not expected is a wrong one.

    Args:
        url: base address of whoever is asked.
        spec: the question; its placeholders are filled in anew.
        values: what else is filled in, and as ``release`` who has to answer.
    """
    known = fresh(values or {})
    return _send(url, filled(spec, known), known.get(_RELEASE, ""))


def hand_in(url: str, spec: ProbeSpec, values: Mapping[str, str]) -> Asked:
    """Hand work in, then look after it until it is done as expected: a round trip through a queue."""
    return _twice(url, spec, values, again=True)


def talk(url: str, spec: ProbeSpec, values: Mapping[str, str]) -> Asked:
    """Ping a channel, then send a message through it and hold the reply against what is expected."""
    return _twice(url, spec, values, again=False)


def ask_each(way: Way, url: str, spec: ProbeSpec, values: Mapping[str, str]) -> Asked:
    """Ask for every name in ``each``; the answer is only as good as the worst one."""
    if not spec.each:
        return way(url, spec, values)
    asked = [(name, way(url, spec, {**values, "each": name})) for name in spec.each]
    wrong = worst_of((name, each.wrong) for name, each in asked)
    return Asked(max(each.latency_ms for _, each in asked), asked[-1][1].status, wrong)


def fresh(values: Mapping[str, str]) -> dict[str, str]:
    """Return values with a word and a number that nobody has seen before."""
    return {"nonce": secrets.token_hex(8), "number": str(secrets.randbelow(10**6)), **values}


def _twice(url: str, spec: ProbeSpec, values: Mapping[str, str], *, again: bool) -> Asked:
    known = fresh(values)
    ready = filled(spec, known)
    began = time.monotonic()
    first = _send(url, ready, known.get(_RELEASE, ""))
    if first.wrong or not spec.then.path:
        return first
    second = following(ready, first.text)
    deadline = began + spec.latency_ms_max / 1000
    heard = Asked(0.0)
    while True:
        left_seconds = deadline - time.monotonic()
        asked = _send(url, replace(second, latency_ms_max=max(1.0, left_seconds * 1000)), "")
        spent_ms = (time.monotonic() - began) * 1000
        late = time.monotonic() + _POLL_SECONDS >= deadline
        if not asked.status and left_seconds < _POLL_SECONDS and heard.status:
            asked = heard  # the last question was cut short by the end of the time: the one before says more
        heard = asked
        if not asked.wrong or not again or late:
            wrong = (
                f"{asked.wrong} (within {spec.latency_ms_max:g} ms)" if asked.wrong and again else asked.wrong
            )
            return Asked(spent_ms, asked.status, wrong)
        time.sleep(_POLL_SECONDS)


def _send(url: str, spec: ProbeSpec, release: str) -> Asked:
    """Send one filled question."""
    limit_seconds = spec.latency_ms_max / 1000
    try:
        payload = json.loads(spec.send_json) if spec.send_json else None
    except ValueError as error:
        return Asked(0.0, wrong=f"the probe's send_json is not JSON: {error}")
    headers = shuffled({**disguise(random.getrandbits(32)), **spec.send_headers}.items())
    try:
        with HttpClient(url, timeout_seconds=limit_seconds, body_bytes_max=_BODY_BYTES_MAX) as client:
            answer = client.request(spec.method, spec.path, json=payload, headers=headers)
    except TheirFault as error:
        return Asked(spec.latency_ms_max, wrong=error.message)
    answered = Answered(answer.status, answer.text, answer.seconds * 1000, answer.headers)
    return Asked(answered.latency_ms, answered.status, wrong_of(spec, answered, release), answered.text)


def shuffled(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers in an order of chance."""
    pairs = list(headers)
    random.shuffle(pairs)
    return dict(pairs)
