"""Sources of other languages fall into the words that their compilers see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.source import go, php, script
from keelway.core.source.inert import runs_nothing
from keelway.core.source.token import COMMENT, STRING, flatten, fold, unescape


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("process.env.X", "process.env.X"),
        ("process?.env?.X", "process.env.X"),
        ('process["env"]["X"]', "process.env.X"),
        ('process?.["en" + "v"]!.X', "process.env.X"),
        ("process[`env`].X", "process.env.X"),
        ("process['e'+('n'+\"v\")].X", "process.env.X"),
        ("env[`A${'B'}C`]", "env.ABC"),
        ("env[`A${b}C`]", 'env["A"+(b)+"C"]'),
        ("`a${{b: `c${d}`}.b}e` + f", '"a"+({b:"c"+(d)+""}.b)+"e"+f'),
        ("v\\u0061r\\u{61}", "vara"),
        ("a /* process.exit() */ . b // .c", "a.b"),
        ("#!/usr/bin/env node\na", "a"),
        ("a?.(b)", "a(b)"),
        ("x = a / b / c", "x=a/b/c"),
        ('x = /[/"]`/g.test(y)', 'x="...".test(y)'),
        ("return /'/", 'return"..."'),
        ("(a) / b", "(a)/b"),
        ("1 / 2", "1/2"),
        ("'a' / 2", '"a"/2'),
        ("x = / unfinished", "x=/unfinished"),
        ("x = 1 /* open", "x=1"),
        ("return ['x']", 'return["x"]'),
        ("say('two words')", 'say("...")'),
        ("a['two words']", 'a["..."]'),
        ("('alone')", '"alone"'),
        ("(1)[1]", "(1)[1]"),
        ("a(b)['c']", "a(b).c"),
        ("!a['b']", "!a.b"),
        ("x = {'a': 1}['a']", 'x={"a":1}["a"]'),
        ("`never ends", '"..."'),
        ("`a${b", '"a"+(b'),
        ("a !== b", "a!==b"),
        ("", ""),
    ],
)
def test_ways_to_name_a_member_read_the_same(text: str, plain: str) -> None:
    assert script.flat(text).text == plain


def test_a_slash_after_a_bracket_can_be_read_in_two_ways() -> None:
    text = "if (a) /'/.test(b); process.exit(); //'"
    assert "process.exit" not in script.flat(text).text
    assert "process.exit" in script.flat(text, patterns_after_brackets=True).text


def test_lines_are_those_of_the_file() -> None:
    source = script.flat("a\n/* x\n */ b('`', `\n\n`,\n c)")
    assert [(token.text, token.line) for token in source.tokens if token.kind == "name"] == [
        ("a", 1),
        ("b", 3),
        ("c", 6),
    ]
    assert source.line_at(source.text.index("c)")) == 6


@pytest.mark.parametrize(
    ("text", "meant"),
    [("\\x41\\u0042\\u{43}\\n\\d", "ABC\nd"), ("\\u{ffffff}", "?"), ("a\\\nb", "ab"), ("plain", "plain")],
)
def test_escapes(text: str, meant: str) -> None:
    assert unescape(text) == meant


GO = """package a

import x "runtime"

// Not os.Exit.
var pattern = `os.Exit
`

var f = func() int {
	return 'a' + 1
}

func (r *T[int]) Method(a int) { "te" + "st" }

func init() { f() }

func
"""


def test_words_of_go_know_their_declaration() -> None:
    words = fold(go.lex(GO), "+")
    where = dict(zip([token.text for token in words], go.places(words), strict=True))
    assert where["runtime"] == "import"
    assert where["os.Exit\n"] == "var"
    assert where["return"] == "var"
    assert where["test"] == "method Method"
    assert where["f"] == "func init"
    assert where["package"] == ""
    assert [token.line for token in words if token.text == "init"] == [15]
    assert any(token.kind == COMMENT for token in go.lex(GO))
    assert go.places(go.lex("func (r T")) == ["method"] * 4
    assert go.places(go.lex("func (r)")) == ["method )"] * 4


PHP = """<?php
// eval(
# eval(
#[Attribute]
$a = 'one' . "t\\x77o" . 3;
$b = <<<"END"
  text
  END;
$c?->d(Foo\\Bar::class);
/* open"""


def test_words_of_php() -> None:
    words = php.lex(PHP)
    said = fold(words, ".")
    assert sum(token.kind == COMMENT for token in words) == 3
    assert "onetwo" in [token.text for token in said if token.kind == STRING]
    line = flatten(said).text
    assert "eval" not in line
    assert "$c->d(Foo\\Bar::class)" in line


@pytest.mark.parametrize(
    ("path", "text", "nothing"),
    [
        ("a.go", "package a\n\ntype T struct{ A int }\nconst B = 1\n", True),
        ("a.go", "package a\n\nfunc f() {}\n", False),
        ("a.ts", "// only types\nimport type { B } from './b';\nexport interface A {\n  b: B;\n}\nexport type C =\n  | A\n  | B;\n", True),
        ("a.ts", "export type A = string\nregister()\n", False),
        ("a.ts", "export const a = 1;\n", False),
        ("a.ts", "'use strict'\n", False),
        ("a.d.ts", "declare const a: string;", True),
        ("a.js", "", False),
    ],
)  # fmt: skip
def test_what_can_never_run(path: str, text: str, nothing: bool) -> None:
    assert runs_nothing(path, text) is nothing


@given(st.text(st.sampled_from("a1 \n`${}/'\"\\()[].+?!*#<\u00e9"), max_size=60))
def test_any_text_falls_into_words(text: str) -> None:
    for both in (True, False):
        script.flat(text, patterns_after_brackets=both)
    flatten(fold(go.lex(text), "+"))
    go.places(go.lex(text))
    flatten(fold(php.lex(text), "."))
