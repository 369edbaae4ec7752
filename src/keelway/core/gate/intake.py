"""Stage 1: may this request become a task?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.core.model.task import SYSTEM, Actor, Request, Source
from keelway.core.model.verdict import Finding, Verdict, combine, failed, passed
from keelway.core.policy import IntakePolicy
from keelway.core.rule.freeze import Freeze

_MEASURED_SOURCES = frozenset({Source.DETECTOR, Source.CI})
_CHATTER = re.compile(
    r"^\W*(?:hi|hello|hey|thanks|thank you|good (?:morning|evening|night)|how are you|who are you|test|ok)\W*$"
    r"|\bwhat(?:'s| is) the weather\b|\bwho won\b",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\b(?:write|compose|tell|sing|recite|give|make up|invent|draft)\b.{0,40}?"
    r"\b(?:poem|haiku|limerick|sonnet|joke|song|lyrics|bedtime story|short story|love letter|essay|horoscope|recipe)\b",
    re.IGNORECASE | re.DOTALL,
)
_WORK = re.compile(
    r"\b(?:add|fix|implement|support|bug|error|endpoint|api|page|button|command|feature|test|refactor|deploy|upgrade"
    r"|update|database|migration|configur\w*|returns?|route|server|app|bot|service|code|function|log)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class IntakeFacts:
    """Hold what is known about a request before it is a task."""

    request: Request
    duplicate_of: str
    """Name of the open task with the same intent, empty for none."""
    owner: str
    """The configured owner: a name, or ``name@channel`` to bind it to one channel."""
    freeze: Freeze
    tasks_last_hour: int


def judge_intake(facts: IntakeFacts, policy: IntakePolicy) -> Verdict:
    """Decide whether the request becomes a task; every reason is told to the requester."""
    findings = (
        _domain(facts.request, policy),
        _requester(facts.request.requested_by, facts.owner, policy),
        _duplicate(facts.duplicate_of),
        _freeze(facts.freeze),
        _rate(facts.tasks_last_hour, policy),
    )
    return combine("intake", findings)


def _domain(request: Request, policy: IntakePolicy) -> Finding:
    text = request.text.strip()
    if not re.search(r"[^\W\d_]", text):
        return failed("request_empty", "The request holds no words. Say what should be built or fixed.")
    if len(text) > policy.request_chars_max:
        return failed(
            "request_too_long",
            f"The request has {len(text)} characters; at most {policy.request_chars_max} are read. Shorten it.",
        )
    if request.source in _MEASURED_SOURCES:
        return passed("in_domain", f"The request was measured by a {request.source.value}.")
    if policy.domain_words:
        return _domain_words(text, policy.domain_words)
    if _CHATTER.search(text) or (_PROSE.search(text) and not _WORK.search(text)):
        return failed(
            "out_of_domain",
            "This does not ask for a change to the application. Say what the application should do differently.",
        )
    return passed("in_domain", "The request asks for development work.")


def _domain_words(text: str, wanted: tuple[str, ...]) -> Finding:
    folded = text.casefold()
    found = [word for word in wanted if re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", folded)]
    if found:
        return passed("in_domain", f"The request speaks of {', '.join(found)}.", examined=len(wanted))
    return failed(
        "out_of_domain",
        f"The request holds none of the {len(wanted)} domain words of this project: {', '.join(wanted)}.",
    )


def _requester(actor: Actor, owner: str, policy: IntakePolicy) -> Finding:
    allowed = f"{actor} may open tasks."
    if policy.allowed_triggers not in {"owner", "all"}:
        return failed("triggers_off", "Opening tasks is switched off for this project (allowed_triggers).")
    if not actor.name:
        return failed("requester_unknown", "The request does not say who asked.")
    listed = any(_is(actor, name) for name in (owner, *policy.allowed_actors))
    if actor == SYSTEM or listed or policy.allowed_triggers == "all":
        return passed("requester_allowed", allowed)
    return failed(
        "requester_not_allowed",
        f"{actor} may not open tasks here. The owner can add the name to intake.allowed_actors.",
    )


def _is(actor: Actor, name: str) -> bool:
    return bool(name) and name == (str(actor) if "@" in name else actor.name)


def _duplicate(duplicate_of: str) -> Finding:
    if duplicate_of:
        return failed(
            "duplicate",
            f"{duplicate_of} already does this. See: keelway show {duplicate_of}",
            task=duplicate_of,
        )
    return passed("not_duplicate", "No open task has this intent.")


def _freeze(freeze: Freeze) -> Finding:
    if freeze.active:
        return failed(
            "freeze_in_force",
            f"New tasks are refused while the freeze of {freeze.by or 'an unknown person'} is in force"
            f"{': ' + freeze.reason if freeze.reason else ''}.",
        )
    return passed("not_frozen", "No freeze is in force.")


def _rate(tasks_last_hour: int, policy: IntakePolicy) -> Finding:
    if tasks_last_hour >= policy.tasks_per_hour_max:
        return failed(
            "too_many_tasks",
            f"{tasks_last_hour} tasks were opened in the last hour; the limit is {policy.tasks_per_hour_max}. "
            "Ask again later.",
        )
    return passed("rate_kept", f"{tasks_last_hour} of {policy.tasks_per_hour_max} tasks this hour.")
