"""A display name proves nobody; a listed account, or our own channel, does."""

from __future__ import annotations

import pytest

from keelway.core.consent.people import MACHINES, People, people_problems, person_of
from keelway.core.consent.problems import consent_problems
from keelway.core.model.task import Actor, Person
from keelway.core.policy import ReviewPolicy

ANN = Person("ann", ("4711@telegram", "@ann-gh"), ("@harbour/payments",))
HELPER = Person("helper", ("900@telegram",), bot=True)
PEOPLE = People("owner", ("bert",), (ANN, HELPER))


@pytest.mark.parametrize(
    ("actor", "person"),
    [
        (Actor("4711", "telegram"), "ann"),
        (Actor("ann", "telegram"), ""),
        (Actor("ann", "cli"), "ann"),
        (Actor("ann", "link"), "ann"),
        (Actor("owner", "cli"), "owner"),
        (Actor("owner", "telegram"), ""),
        (Actor("\N{CYRILLIC SMALL LETTER O}wner", "telegram"), ""),
        (Actor("900", "telegram"), ""),
        (Actor("helper", "cli"), ""),
        (Actor("", "cli"), ""),
    ],
)
def test_who_is_behind_an_account(actor, person):
    assert person_of(actor, PEOPLE) == person


@pytest.mark.parametrize("channel", sorted(MACHINES))
def test_a_program_is_nobody(channel):
    assert person_of(Actor("owner", channel), PEOPLE) == ""


def test_an_owner_may_be_one_account():
    assert person_of(Actor("ann", "telegram"), People("ann@telegram")) == "ann@telegram"
    assert person_of(Actor("ann", "slack"), People("ann@telegram")) == ""


def test_deciders_are_named_once():
    assert People("owner", ("bert", "owner")).deciders == ("owner", "bert")


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ((Person(""),), "needs a name"),
        ((Person("ann@cli"),), "needs a name without @"),
        ((Person("ann"), Person("ann")), "is there twice"),
        ((Person("ann"), Person("ANN")), "looks like, one of 'ann'"),
        ((Person("ann", ("1@x",)), Person("bert", ("1@X",))), "looks like, one of 'ann'"),
        ((Person("ann", ("4711",)),), "is no account"),
        ((Person("ann", (" 1@x",)),), "looks like"),
    ],
)
def test_what_is_wrong_with_a_list(people, said):
    assert said in "; ".join(people_problems(people))
    assert people_problems((ANN, HELPER)) == []


def test_switches_and_expiry_are_words_that_are_known():
    assert (
        consent_problems((ANN,), ReviewPolicy(approve_stages=("planning", "review", "staging", "production")))
        == []
    )
    assert "no stage with a switch" in consent_problems((), ReviewPolicy(approve_stages=("stagging",)))[0]
    assert "is none of" in consent_problems((), ReviewPolicy(approval_expiry="yes"))[0]
    assert "names nobody" in consent_problems((), ReviewPolicy(approval_expiry="escalate"))[0]
    assert consent_problems((), ReviewPolicy(approval_expiry="escalate", escalate_to=("ann",))) == []
