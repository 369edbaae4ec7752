"""Facts about small applications, from paths and texts alone, bounded and shown as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from keelway.core.codec import canonical, from_json, to_json
from keelway.core.model.task import Actor, Request
from keelway.core.package.package import Ecosystem, Package, PackageFacts, State
from keelway.core.research.contract import contracts_of
from keelway.core.research.convention import conventions_of, layout_of_tests, style_of
from keelway.core.research.facts import Convention, Facts, Name, Outline
from keelway.core.research.gather import FACTS_CHARS_MAX, bounded, facts_of, plan_reading
from keelway.core.research.show import SHOWN_CHARS_MAX, package_line, shown

NOW = datetime(2026, 2, 16, tzinfo=UTC)
APPLICATION = {
    "AGENTS.md": "# Rules\n\nWrite a test first.\n",
    "pyproject.toml": '[project]\nrequires-python = ">=3.11"\ndependencies = ["aiohttp>=3"]\n'
    '[project.entry-points."harbour.channel"]\nirc = "app.channels.irc:Irc"\n',
    "app/ports/channel.py": '"""How people are told."""\nfrom typing import Protocol\n\n\nclass Channel(Protocol):\n'
    "    def tell(self, text: str) -> None: ...\n    def close(self) -> None: ...\n",
    "app/channels/irc.py": '"""Tell people over IRC."""\n\n\nclass Irc:\n'
    "    def tell(self, text: str) -> None: ...\n    def close(self) -> None: ...\n",
    "app/channels/sms.py": '"""Tell people by SMS."""\nfrom app.ports.channel import Channel\n\n\n'
    "class Sms(Channel):\n    def tell(self, text: str) -> None: ...\n",
    "app/web.py": '@router.get("/channels")\ndef channels(): ...\n\n\nALL = [Irc, Sms]\n',
    "tests/test_irc.py": "def test_irc(): ...\n",
    "static/logo.svg": "<svg/>",
}


def facts(text: str = "Add an XMPP channel like app/channels/irc.py", **changed: str) -> Facts:
    files = {**APPLICATION, **changed}
    reading = plan_reading(Request(text, Actor("ann"), NOW), sorted(files))
    return facts_of(reading, {path: files[path] for path in reading.wanted})


def test_the_facts_of_a_small_application() -> None:
    away = PackageFacts(Package(Ecosystem.PYPI, "slixmpp"), State.UNKNOWN, NOW, "the index is away.")
    found = replace(facts(), packages=(away,))
    assert shown(found) == snapshot("""\
# Application
8 files, 4 of them read. Languages: Python 5
Runs on: Python >=3.11
Folders: app/ 4, static/ 1, tests/ 1

# Files that the request names
app/channels/irc.py

# Files beside those, as examples
app/channels/sms.py

# Contracts and other places made to be extended
protocol or abstract class Channel in app/ports/channel.py: tell, close; filled by app/channels/irc.py: Irc, app/channels/sms.py: Sms
registry ALL in app/web.py: Irc, Sms
router router in app/web.py: GET /channels
entry points harbour.channel in pyproject.toml

# Modules that matter most for the request
app/channels/irc.py: Tell people over IRC. class Irc [tell, close]
app/channels/sms.py: Tell people by SMS. class Sms(Channel) [tell]
app/ports/channel.py: How people are told. contract Channel(Protocol) [tell, close]
app/web.py: route GET /channels (channels); channels(); registry ALL [Irc, Sms]

# Packages that the request names, by their index
slixmpp (pypi): unknown, the index is away.

# Dependencies that are there
aiohttp >=3

# Tests
1 test files, in 1 folders
tests: 1, such as test_irc.py

# Style of the present code
Python: 0 % of the public functions have a docstring, 83 % are typed throughout, in half of the files no line is longer than 42

# Conventions, as people wrote them down
AGENTS.md:
# Rules

Write a test first.\
""")
    assert from_json(Facts, to_json(found)) == found


def test_a_file_that_was_not_read_is_not_there() -> None:
    reading = plan_reading(Request("x", Actor("ann"), NOW), sorted(APPLICATION))
    found = facts_of(reading, {})
    assert (found.read, found.modules, found.contracts, found.declared) == (0, (), (), ())
    assert found.files == len(APPLICATION)


def test_scripts_are_read_by_their_rules() -> None:
    found = facts(
        "ships", **{"web/ships.ts": "export interface Ship {\nexport class Tug implements Ship {\n"}
    )
    ship = next(each for each in found.contracts if each.name == "Ship")
    assert (ship.kind, ship.filled_by) == ("interface", ("web/ships.ts: Tug",))


def test_who_fills_a_contract_says_so_or_has_its_shape() -> None:
    port = Outline("p.py", "Python", names=(Name("contract", "Door", 1, members=("open", "close")),))
    said = Outline("a.py", "Python", names=(Name("class", "A", 1),), checks=(("A", "Door"),))
    base = Outline("b.py", "Python", names=(Name("class", "B", 1, bases=("Door",)),))
    shape = Outline("c.py", "Python", names=(Name("class", "C", 1, members=("close", "open", "x")),))
    other = Outline("d.go", "Go", names=(Name("class", "D", 1, members=("open", "close")),))
    narrow = Outline("e.py", "Python", names=(Name("contract", "One", 1, members=("open",)),))
    found = contracts_of([port, said, base, shape, other, narrow], [("harbour.door", "pyproject.toml")])
    assert [(each.name, each.kind, each.filled_by) for each in found] == [
        ("Door", "protocol or abstract class", ("a.py: A", "b.py: B", "c.py: C")),
        ("One", "protocol or abstract class", ()),
        ("harbour.door", "entry points", ()),
    ]
    route = Outline("r.ts", "TypeScript", names=(Name("route", "app", 1, "GET /x"),))
    assert contracts_of([route])[0].name == "app"


def test_conventions_are_quoted_within_one_bound() -> None:
    long = {"AGENTS.md": "a" * 9_000, "CONTRIBUTING.md": "b" * 9_000, "CLAUDE.md": "c" * 9_000}
    assert [len(each.text) for each in conventions_of(long)] == [2_500, 2_500]
    assert conventions_of({"AGENTS.md": "  "}) == ()


def test_how_tests_lie() -> None:
    assert layout_of_tests(
        ["tests/conftest.py", "tests/test_b.py", "tests/test_a.py", "test_top.py", "app.py"]
    ) == (
        "4 test files, in 2 folders",
        "tests: 3, such as test_a.py",
        ".: 1, such as test_top.py",
    )
    assert layout_of_tests(["app.py"]) == ("There are no tests that their paths give away.",)


def test_style_is_only_told_where_there_is_enough_to_tell() -> None:
    rich = Outline("a.py", "Python", documented=3, annotated=2, functions=4, longest=80)
    poor = Outline("b.go", "Go", functions=1)
    (line,) = style_of([rich, poor])
    assert line.startswith(
        "Python: 75 % of the public functions have a docstring, 50 % are typed throughout, "
    )
    assert line.endswith("in half of the files no line is longer than 80")


@pytest.mark.parametrize("size", [10, 400])
def test_facts_are_bounded(size: int) -> None:
    names = tuple(Name("function", "x" * 300, 1) for _ in range(20))
    found = Facts(
        modules=tuple(Outline(f"m{n}.py", "Python", "d", names) for n in range(size)),
        conventions=(Convention("AGENTS.md", "x" * 100_000),),
        files=3,
    )
    less = bounded(found)
    assert len(canonical(less)) <= FACTS_CHARS_MAX
    assert less.modules
    assert len(shown(found)) <= SHOWN_CHARS_MAX


def test_what_cannot_be_shortened_is_left_out() -> None:
    huge = Facts(tests=("x" * (FACTS_CHARS_MAX + 1),), files=3, read=2)
    assert bounded(huge) == Facts(files=3, read=2)


def test_a_section_says_when_it_was_cut() -> None:
    text = shown(Facts(named=tuple(f"app/{number}/{'x' * 60}.py" for number in range(20))))
    assert "more)" in text
    many = Outline("a.py", "Python", names=tuple(Name("class", f"C{n}", 1, bases=("B",)) for n in range(15)))
    assert "class C11(B); 3 more" in shown(Facts(modules=(many,)))


NOTHING = "latest unknown, age unknown, 0 releases, licence unknown, supported versions unknown"
SLIXMPP, X9 = Package(Ecosystem.PYPI, "slixmpp"), Package(Ecosystem.NPM, "x", "9")
FOUND = PackageFacts(
    SLIXMPP, State.FOUND, NOW, latest="1.8", latest_at=NOW, first_at=NOW, licence="MIT", releases=3
)


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (PackageFacts(SLIXMPP, State.ABSENT, NOW), "slixmpp (pypi): the index has no such package"),
        (PackageFacts(SLIXMPP, State.UNKNOWN, NOW, "503."), "slixmpp (pypi): unknown, 503."),
        (
            replace(FOUND, supports="Python >=3.9"),
            "slixmpp (pypi): latest 1.8 of 2026-02-16, exists since 2026-02-16, 3 releases, licence MIT, Python >=3.9",
        ),
        (
            PackageFacts(X9, State.FOUND, NOW, version_known=False, withdrawn="gone"),
            f"x (npm): 9: no such version, {NOTHING}, WITHDRAWN: gone",
        ),
        (
            PackageFacts(X9, State.FOUND, NOW, latest="9", supports="Node 20"),
            "x (npm): 9: there, latest 9, age unknown, 0 releases, licence unknown, Node 20",
        ),
    ],
)
def test_a_package_is_told_on_one_line(fact: PackageFacts, line: str) -> None:
    assert package_line(fact) == line
