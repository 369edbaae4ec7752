"""The intake gate: every reason to refuse, and what is not a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from keelway.core.gate.intake import IntakeFacts, judge_intake
from keelway.core.model.task import SYSTEM, Actor, Request, Source
from keelway.core.model.verdict import Ruling, Verdict
from keelway.core.policy import IntakePolicy
from keelway.core.rule.freeze import Freeze

ANNA = Actor("anna", "telegram")
AT = datetime.fromisoformat("2026-02-16T14:30:00+00:00")
FACTS = IntakeFacts(
    request=Request("Please add XMPP support", ANNA, AT),
    duplicate_of="",
    owner="anna",
    freeze=Freeze(),
    tasks_last_hour=0,
)
POLICY = IntakePolicy()


def ask(text: str, policy: IntakePolicy = POLICY, **change: object) -> Verdict:
    return judge_intake(replace(FACTS, request=replace(FACTS.request, text=text, **change)), policy)


def ask_as(actor: Actor, policy: IntakePolicy = POLICY, owner: str = "anna") -> Verdict:
    return judge_intake(
        replace(FACTS, owner=owner, request=replace(FACTS.request, requested_by=actor)), policy
    )


def test_a_development_request_of_the_owner_is_admitted() -> None:
    verdict = judge_intake(FACTS, POLICY)
    assert verdict.passed
    assert len(verdict.findings) == 5


@pytest.mark.parametrize(
    "text",
    [
        "Write me a poem",
        "please tell me a joke!",
        "What's the weather in Oslo?",
        "hello",
        "Thanks!",
        "Compose a short song",
    ],
)
def test_what_is_no_development_is_refused(text: str) -> None:
    assert ask(text).code == "out_of_domain"


@pytest.mark.parametrize(
    "text",
    [
        "Add an endpoint that returns a poem", "Fix the 504 in /api/chat", "Make the start page faster", "dark mode",
        "check for dependency updates", "Bitte XMPP einbauen", "The weather widget is broken",
    ],
)  # fmt: skip
def test_anything_that_may_be_development_is_admitted(text: str) -> None:
    assert ask(text).passed


@pytest.mark.parametrize("text", ["", "   ", "???", "12 34", "__"])
def test_no_words(text: str) -> None:
    assert ask(text).code == "request_empty"


def test_too_long() -> None:
    assert ask("add " * 3_000).code == "request_too_long"


def test_a_measured_error_is_in_the_domain_whatever_its_words() -> None:
    assert ask("hello", source=Source.DETECTOR).passed


def test_domain_words() -> None:
    policy = IntakePolicy(domain_words=("XMPP", "channel"))
    assert ask("please add xmpp", policy).passed
    assert ask("please add xmppx", policy).code == "out_of_domain"


@pytest.mark.parametrize(
    ("actor", "policy", "owner", "code"),
    [
        (Actor("anna", "cli"), POLICY, "anna", "passed"),
        (Actor("anna", "cli"), POLICY, "anna@telegram", "requester_not_allowed"),
        (ANNA, POLICY, "anna@telegram", "passed"),
        (Actor("eve"), POLICY, "anna", "requester_not_allowed"),
        (Actor("eve"), POLICY, "", "requester_not_allowed"),
        (Actor("Anna"), POLICY, "anna", "requester_not_allowed"),
        (Actor("eve"), IntakePolicy(allowed_actors=("eve",)), "anna", "passed"),
        (Actor("eve"), IntakePolicy(allowed_triggers="all"), "anna", "passed"),
        (Actor(""), IntakePolicy(allowed_triggers="all"), "anna", "requester_unknown"),
        (ANNA, IntakePolicy(allowed_triggers="none"), "anna", "triggers_off"),
        (ANNA, IntakePolicy(allowed_triggers="strange"), "anna", "triggers_off"),
        (SYSTEM, POLICY, "anna", "passed"),
        (SYSTEM, IntakePolicy(allowed_triggers="none"), "anna", "triggers_off"),
    ],
)
def test_who_may_ask(actor: Actor, policy: IntakePolicy, owner: str, code: str) -> None:
    assert ask_as(actor, policy, owner).code == code


def test_duplicate_freeze_and_rate() -> None:
    verdict = judge_intake(
        replace(FACTS, duplicate_of="T-7", freeze=Freeze(True, "anna", "incident"), tasks_last_hour=20),
        POLICY,
    )
    assert [finding.code for finding in verdict.reasons] == ["duplicate", "freeze_in_force", "too_many_tasks"]
    assert verdict.ruling is Ruling.FAIL
    assert verdict.reasons[0].evidence == {"task": "T-7"}
    assert "freeze of anna is in force: incident." in verdict.reasons[1].message
    silent = judge_intake(replace(FACTS, freeze=Freeze(active=True)), POLICY)
    assert "an unknown person" in silent.reasons[0].message
