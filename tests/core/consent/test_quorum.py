"""One yes of each group that owns a touched path."""

from __future__ import annotations

from keelway.core.consent.people import People
from keelway.core.consent.quorum import OwnerGroup, Terms, group_line, groups_of, lacking, may_answer
from keelway.core.model.task import Person

ANN = Person("ann", ("4711@telegram", "@Ann-GH"), ("@harbour/payments",))
BERT = Person("bert", ("bert@example.org",))
BOT = Person("helper", ("@helper",), ("@harbour/payments",), bot=True)
PEOPLE = People("owner", (), (ANN, BERT, BOT))
OWNED = {
    "pay/a.py": ("@harbour/payments",),
    "pay/b.py": ("@harbour/payments",),
    "mail.py": ("bert@example.org", "@ann-gh"),
    "free.py": (),
    "db.py": ("@harbour/data",),
}


def test_paths_with_the_same_owners_are_one_group():
    assert groups_of(OWNED, PEOPLE) == (
        OwnerGroup("@harbour/data", (), ("db.py",)),
        OwnerGroup("@ann-gh bert@example.org", ("ann", "bert"), ("mail.py",)),
        OwnerGroup("@harbour/payments", ("ann",), ("pay/a.py", "pay/b.py")),
    )


def test_without_a_list_the_owner_stands_for_every_group():
    groups = groups_of(OWNED, People("owner"))
    assert {group.members for group in groups} == {("owner",)}


def test_each_group_needs_one_yes():
    groups = groups_of(OWNED, PEOPLE)
    assert lacking(groups, {"bert"}) == (groups[0], groups[2])
    assert lacking(groups, {"ann"}) == (groups[0],)
    assert lacking((), set()) == ()


def test_who_may_answer():
    terms = Terms(groups=groups_of(OWNED, PEOPLE))
    assert may_answer("owner", PEOPLE, terms)
    assert may_answer("ann", PEOPLE, terms)
    assert not may_answer("ann", PEOPLE, Terms())
    assert may_answer("ann", PEOPLE, Terms(), ("ann",))
    assert not may_answer("", People(""), terms)


def test_a_group_that_nobody_stands_for_says_so():
    known, unknown = groups_of(OWNED, PEOPLE)[1], groups_of(OWNED, PEOPLE)[0]
    assert group_line(known) == "@ann-gh bert@example.org (mail.py): ann or bert"
    assert "nobody" in group_line(unknown)
