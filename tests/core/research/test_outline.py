"""What files offer is read from their text, in every language that there are rules for; nothing is run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.research.outline import TEXT_CHARS_MAX, first_sentence, outline_python
from keelway.core.research.script import outline_script, reads

PYTHON = '''"""Talk to people. Over many channels.

More words.
"""
import abc
from typing import Protocol

NAMES = {"a": Irc, "b": xmpp.Xmpp, **others}
ROUTERS = (health, login.router, make())
MIXED = [1, Irc]
NUMBERS = {"a": 1, "b": 2}
KEYED = {Irc: one, Xmpp: two}
ALONE = [Irc]
_HIDDEN = [Irc, Xmpp]
TYPED: list[type] = [Irc, Xmpp]
later: int
a = b = [Irc, Xmpp]
x.y = [Irc, Xmpp]
NUMBER = 3


class Channel(Protocol):
    """Say something."""

    def tell(self, text: str) -> None: ...
    def close(self) -> None: ...
    def _inner(self): ...


class Old(metaclass=abc.ABCMeta):
    pass


class Half:
    @abc.abstractmethod
    def must(self): ...


class Irc(Base[int], make_base(), a or b):
    def tell(self, text): ...


class _Private: ...


@router.get("/ships/{id}")
@cached
async def ship(id: int, *, deep: bool = False) -> dict:
    """Return one."""


@app.route(PATH)
@app.post(path="/x")
def other(): ...


def _helper(): ...


_check: type[Channel] = Irc
_not: type = Irc
"x"[0]
'''


def test_the_outline_of_a_python_file() -> None:
    outline = outline_python("app/channel.py", PYTHON)
    assert (outline.path, outline.language, outline.doc) == ("app/channel.py", "Python", "Talk to people")
    assert [(name.kind, name.name, name.detail, name.bases, name.members) for name in outline.names] == [
        ("registry", "NAMES", "", (), ("a", "b")),
        ("registry", "ROUTERS", "", (), ("health", "router", "make")),
        ("registry", "KEYED", "", (), ("Irc", "Xmpp")),
        ("registry", "TYPED", "", (), ("Irc", "Xmpp")),
        ("registry", "a", "", (), ("Irc", "Xmpp")),
        ("contract", "Channel", "", ("Protocol",), ("tell", "close")),
        ("contract", "Old", "", (), ()),
        ("contract", "Half", "", (), ("must",)),
        ("class", "Irc", "", ("Base", "make_base"), ("tell",)),
        ("route", "ship", "GET /ships/{id}", ("router",), ()),
        ("function", "ship", "(id, deep)", (), ()),
        ("function", "other", "()", (), ()),
    ]
    assert outline.names[0].line == 8
    assert outline.checks == (("Irc", "Channel"),)
    assert (outline.documented, outline.annotated, outline.functions) == (1, 3, 6)
    assert outline.longest == max(map(len, PYTHON.splitlines()))


@pytest.mark.parametrize(
    "text", ["def (", "\0", "x" * (TEXT_CHARS_MAX + 1), "(" * 200 + ")" * 200, "[" * 5_000, "x = '\ud800'"]
)
def test_what_cannot_be_read_is_only_a_path(text: str) -> None:
    outline = outline_python("a.py", text)
    assert (outline.path, outline.names, outline.doc) == ("a.py", (), "")


def test_brackets_that_close_too_often_do_not_hide_later_ones() -> None:
    assert outline_python("a.py", "# ))))\ndef f(): ...\n").names[0].name == "f"


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    outline_python("a.py", text)
    for language in ("TypeScript", "Go", "PHP", "JavaScript"):
        outline_script("a", language, text)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One"),
        ("One\n  line more\n\nNot this", "One line more"),
        ("", ""),
        ("x" * 200, "x" * 120),
    ],
)
def test_the_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


TYPESCRIPT = (
    """\
import { x } from "y";
export interface Channel extends Named, Closable {
export default class Irc implements Channel, Other {
export abstract class Half {
export class Xmpp extends Irc {
export async function tell(text: string): Promise<void> {
export function* all() {
export const LIMIT = 3;
export type Id = string;
  app.get("/ships/:id", handler);
router.post('/ships', handler)
module.exports = Thing;
exports.other = 1;
function hidden() {}
export const """
    + "long" * 200
)


def test_the_outline_of_a_typescript_file() -> None:
    outline = outline_script("a.ts", "TypeScript", TYPESCRIPT)
    assert [(name.kind, name.name, name.detail, name.bases) for name in outline.names] == [
        ("contract", "Channel", "", ("Named", "Closable")),
        ("class", "Irc", "", ("Channel", "Other")),
        ("contract", "Half", "", ()),
        ("class", "Xmpp", "", ("Irc",)),
        ("function", "tell", "(text: string)", ()),
        ("function", "all", "()", ()),
        ("value", "LIMIT", "", ()),
        ("value", "Id", "", ()),
        ("route", "app", "GET /ships/:id", ()),
        ("route", "router", "POST /ships", ()),
        ("value", "Thing", "", ()),
        ("value", "other", "", ()),
    ]
    assert outline.names[0].line == 2


GO = """\
package channel

type Channel interface {
\tTell(text string) error
\tClose() error
}
type Irc struct {
func (i *Irc) Tell(text string) error {
func New(name string) *Irc {
func hidden() {
mux.HandleFunc("/ships", ships)
r.GET("/berths", berths)
"""


def test_the_outline_of_a_go_file() -> None:
    names = outline_script("a.go", "Go", GO).names
    assert [(name.kind, name.name, name.detail, name.bases, name.members) for name in names] == [
        ("contract", "Channel", "", (), ("Tell", "Close")),
        ("class", "Irc", "", (), ()),
        ("function", "Tell", "(text string)", ("Irc",), ()),
        ("function", "New", "(name string)", (), ()),
        ("route", "mux", "/ships", (), ()),
        ("route", "r", "GET /berths", (), ()),
    ]


PHP = """\
<?php
namespace App\\Channels;
interface ChannelDriver extends Named
{
    public function send(string $text): void;
}
final class XmppDriver extends Base implements ChannelDriver, \\App\\Other
{
    public function send(string $text): void
    public static function make(): self
    private function inner()
}
abstract class Base
trait Talks
Route::get('/ships', [ShipController::class, 'index']);
function helper($a) {
"""


def test_the_outline_of_a_php_file() -> None:
    names = outline_script("a.php", "PHP", PHP).names
    assert [(name.kind, name.name, name.detail, name.bases, name.members) for name in names] == [
        ("contract", "ChannelDriver", "", ("Named",), ("send",)),
        ("class", "XmppDriver", "", ("Base", "ChannelDriver", "Other"), ("send", "make")),
        ("contract", "Base", "", (), ()),
        ("class", "Talks", "", (), ()),
        ("route", "Route", "GET /ships", (), ()),
        ("function", "helper", "($a)", (), ()),
    ]


def test_a_class_shows_its_first_members_and_a_stray_member_is_passed_over() -> None:
    many = "\n".join(f"    public function m{number}()" for number in range(20))
    names = outline_script("a.php", "PHP", f"{many}\nclass A\n{many}").names
    assert [(name.name, len(name.members)) for name in names] == [("A", 12)]


def test_there_are_rules_for_four_more_languages() -> None:
    assert [language for language in ("Python", "Go", "PHP", "Rust", "") if reads(language)] == ["Go", "PHP"]
