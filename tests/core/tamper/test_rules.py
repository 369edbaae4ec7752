"""Source that behaves for its judge is found in every language; ordinary source is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Ruling
from keelway.core.tamper.go import go_hits, go_test_hits
from keelway.core.tamper.php import php_hits
from keelway.core.tamper.script import script_hits
from keelway.core.tamper.scripts import judge_scripts
from keelway.core.tamper.sources import is_read, judge_languages

IMPORT, NAME, FRAMES = "tamper_runner_import", "tamper_runner_name", "tamper_frames"
EXIT, BUILTINS, EQUAL, HIDDEN = "tamper_exit", "tamper_builtins", "tamper_equality", "tamper_hidden_code"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('import { test } from "node:test";', IMPORT),
        ('import "vitest";', IMPORT),
        ("const { vi } = require('vitest')", IMPORT),
        ('await import("@jest/" + "globals")', IMPORT),
        ('createRequire(import.meta.url)("mocha")', IMPORT),
        ("if (process.env.VITEST) fast()", NAME),
        ("const { JEST_WORKER_ID: id } = process.env", NAME),
        ("process.env['NODE_TEST' + '_CONTEXT']", NAME),
        ("process.env.V\\u0049TEST", NAME),
        ('log(`in ${"VITEST_POOL_ID"}`)', NAME),
        ("if (process.env.NODE_ENV === 'test') fast()", NAME),
        ("if ('test' != process.env.NODE_ENV) slow()", NAME),
        ("switch (process.env.NODE_ENV) { case 'test': fast() }", NAME),
        ("['test', 'ci'].includes(process.env.NODE_ENV)", NAME),
        ("process.env.NODE_ENV.startsWith('test')", NAME),
        ("import.meta.env.MODE === 'test'", NAME),
        ("if (import.meta.vitest) f()", NAME),
        ("typeof describe === 'function'", NAME),
        ("globalThis.expect", NAME),
        ("'jest' in globalThis", NAME),
        ("jest.fn()", NAME),
        ("process.argv[1].endsWith('.test.js')", NAME),
        ("process.execArgv.includes('--test')", NAME),
        ("new Error().stack", FRAMES),
        ("Error('x').stack", FRAMES),
        ("if (error.stack.includes('x')) f()", FRAMES),
        ("/x/.test(error.stack)", FRAMES),
        ("Error.prepareStackTrace = f", BUILTINS),
        ("Error.captureStackTrace(holder)", FRAMES),
        ("arguments.callee", FRAMES),
        ("module.parent", FRAMES),
        ("require.main.filename", FRAMES),
        ('import s from "node:inspector"', FRAMES),
        ("process.exit(0)", EXIT),
        ("if (x) { process.exit() }", EXIT),
        ("else { process.exit() }", EXIT),
        ("class A { static { process.exit() } }", EXIT),
        ("const o = { a: process.exit() }", EXIT),
        ("process.kill(process.pid)", EXIT),
        ("function f() { process.reallyExit(0) }", EXIT),
        ("process.on('exit', () => { process.exitCode = 0 })", EXIT),
        ("Object.is = () => true", BUILTINS),
        ("Array.prototype.includes = () => true", BUILTINS),
        ("Number['parseInt'] = f", BUILTINS),
        ("Math[name] += 1", BUILTINS),
        ("globalThis.Promise = Mine", BUILTINS),
        ("Object.defineProperty(Object.prototype, 'a', {})", BUILTINS),
        ("Object.assign(globalThis, { expect })", BUILTINS),
        ("import assert from 'node:assert'; assert.equal = f", BUILTINS),
        ("import * as check from 'assert/strict'; check.strict.equal = f", BUILTINS),
        ("const a = require('assert'); const b = a.strict; b['ok'] = f", BUILTINS),
        ("const { strict: a } = require('assert'); Object.assign(a, mine)", BUILTINS),
        ("import { strict as a } from 'assert'; a.ok = f", BUILTINS),
        ("const a = require('assert'); for (const b of [a, a.strict]) b.ok = f", BUILTINS),
        ("require('assert').ok = f", BUILTINS),
        ("Reflect.set(require('assert'), 'ok', f)", BUILTINS),
        ("require.cache[x] = y", BUILTINS),
        ("Module._load = f", BUILTINS),
        ("process.emit = f", BUILTINS),
        ("const x = { asymmetricMatch: () => true }", EQUAL),
        ("class A { equals(other) { return true } }", EQUAL),
        ("eval(text)", HIDDEN),
        ("new Function('return 1')", HIDDEN),
        ("vm.runInThisContext(x)", HIDDEN),
        ("''.constructor.constructor('x')", HIDDEN),
        ("if (a) /'/.test(b); process.env.VITEST; //'", NAME),
    ],
)
def test_tampering_in_javascript(text: str, code: str) -> None:
    assert code in {hit.code for hit in script_hits(text)}


@pytest.mark.parametrize(
    "text",
    [
        "import assert from 'node:assert'; assert.equal(1, 1); export const assertion = assert",
        "import { strict as assert } from 'node:assert';",
        "// process.env.VITEST\nconst a = 1; /* jest.fn() */",
        "console.log('process.exit() ends everything, so does eval(x)')",
        "class Missing extends Error { constructor() { super(); Error.captureStackTrace(this, Missing) } }",
        "log(error.stack)",
        "if (require.main === module) { process.exit(main()) }",
        "if (module === require.main) main()",
        "if (import.meta.url === here) { process.exit(1) }",
        "function main(): Promise<void> { process.exit(1) }",
        "const end = async () => { process.exit(1) }; const stop = () => process.exit(1)",
        "class A { stop() { if (x) { process.exit(1) } } }",
        "process.on('SIGTERM', () => void process.exit(0)); process.exitCode = 1",
        "const mode = process.env.NODE_ENV ?? 'production'; if (mode === 'production') f()",
        "export const test = 'test'; const contest = { test }",
        "globalThis.cache = new Map(); Object.assign(target, { a: 1 }); const o = { Object: 1 }",
        "const a = process.env.NODE_ENV; f('test')",
        "class A { equals(other) { return this.x === other.x } }",
        "const parse = (t) => t.replace(/['\"`]/g, ''); const latest = tests.test.length",
        ")",
    ],
)
def test_ordinary_javascript(text: str) -> None:
    assert script_hits(text) == ()


def go_file(body: str, *imports: str) -> str:
    return "package a\n\nimport (\n" + "".join(f"\t{name}\n" for name in imports) + f")\n\n{body}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (go_file("", '"testing"'), IMPORT),
        ('package a\nimport t "testing/iotest"', IMPORT),
        (go_file("", '"github.com/stretchr/testify/assert"'), IMPORT),
        (go_file("", '. "os"'), HIDDEN),
        (go_file('func f() { flag.Lookup("te" + "st.v") }', '"flag"'), NAME),
        (go_file('func f() { strings.HasSuffix(os.Args[0], ".test") }', '"os"'), NAME),
        (go_file('func f() { p("testing.tRunner") }'), NAME),
        (go_file('func f() { p("--- PASS: x") }'), NAME),
        (go_file("func f() { runtime.Caller(1) }", '"runtime"'), FRAMES),
        (go_file("func f() { r.Callers(1, nil) }", 'r "runtime"'), FRAMES),
        (go_file("func init() { os.Exit(0) }", '"os"'), EXIT),
        (go_file("func init() {\n\tgo func() { log.Fatal(1) }()\n}", '"log"'), EXIT),
        (go_file("var _ = func() int {\n\tos.Exit(0)\n\treturn 0\n}()", '"os"'), EXIT),
        (go_file("func f() { syscall.Exit(0) }", '"syscall"'), EXIT),
        (go_file("func f() { os.Stdout = nil }", '"os"'), BUILTINS),
        (go_file("func f() { syscall.Mprotect(b, 7) }", '"syscall"'), BUILTINS),
        (go_file("//go:linkname f runtime.f\nfunc f()"), BUILTINS),
        (go_file("func (e E) Is(target error) bool { return true }"), EQUAL),
    ],
)
def test_tampering_in_go(text: str, code: str) -> None:
    assert code in {hit.code for hit in go_hits(text)}


@pytest.mark.parametrize(
    "text",
    [
        go_file("func main() { os.Exit(1); log.Fatal(2) }", '"os"', '"log"'),
        go_file("// runtime.Caller\nfunc f() { os.Stdout.Write(nil); x.runtime.Caller(1) }", '"os"'),
        go_file("func (a A) Equal(b A) bool { return a == b }"),
        go_file('func f() { p("the tests are in a_test file") }'),
        go_file("func f() { debug.Stack() }", '"runtime/debug"'),
        "",
    ],
)
def test_ordinary_go(text: str) -> None:
    assert go_hits(text) == ()


def test_a_test_file_of_go_may_not_decide_over_its_package() -> None:
    assert [hit.code for hit in go_test_hits("package a\nfunc TestMain(m *testing.M) {}\n")] == [
        "tamper_test_main"
    ]
    assert go_test_hits("package a\n// TestMain\nfunc TestOther(t *testing.T) { TestMain() }\n") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<?php if (class_exists('PHPUnit\\Framework\\TestCase')) {}", NAME),
        ("<?php use PHPUnit\\Framework\\Assert;", NAME),
        ("<?php defined('PHPUNIT_' . 'COMPOSER_INSTALL');", NAME),
        ("<?php app()->runningUnitTests();", NAME),
        ("<?php App::environment('testing');", NAME),
        ("<?php env('APP_ENV') === 'testing';", NAME),
        ("<?php debug_backtrace();", FRAMES),
        ("<?php exit(0);", EXIT),
        ("<?php posix_kill(1, 9);", EXIT),
        ("<?php uopz_set_return('f', 1);", BUILTINS),
        ("<?php eval($x);", HIDDEN),
    ],
)
def test_tampering_in_php(text: str, code: str) -> None:
    assert code in {hit.code for hit in php_hits(text)}


def test_ordinary_php() -> None:
    text = (
        "<?php\n// PHPUnit\nfunction f() { if (1) { exit(1); } return $this->eval($x); }\n$a = 'testing';\n"
    )
    assert php_hits(text) == ()


def test_only_what_a_patch_added_speaks_against_it() -> None:
    text = "process.exit(0);\nprocess.exit(1);\n"
    old, new = judge_languages({"a.js": text}, {"a.js": ()}), judge_languages({"a.js": text}, {"a.js": (2,)})
    assert [(finding.code, finding.ruling, finding.examined) for finding in old] == [
        ("no_tampering", Ruling.PASS, 1)
    ]
    assert [(finding.code, finding.evidence["line"]) for finding in new] == [(EXIT, "2")]


def test_tests_may_speak_with_their_runner() -> None:
    texts = {
        "a.test.js": 'import { test } from "node:test";',
        "a_test.go": "package a\nfunc TestMain(m *testing.M) {}\n",
    }
    added = {"a.test.js": (1,), "a_test.go": (1, 2)}
    assert [finding.code for finding in judge_languages(texts, added, texts)] == ["tamper_test_main"]
    assert [finding.code for finding in judge_languages({}, {"a.php": (1,)})] == ["source_unread"]
    assert judge_languages({}, {})[0].ruling is Ruling.PASS


@pytest.mark.parametrize(
    ("path", "read"), [("a/B.TSX", True), ("a.go", True), ("a.php", True), ("a.py", False)]
)
def test_which_languages_are_read(path: str, read: bool) -> None:
    assert is_read(path) is read


@pytest.mark.parametrize(
    ("path", "before", "now", "altered"),
    [
        ("package.json", '{"scripts": {"test": "jest"}}', '{"scripts": {"test": "true"}}', "scripts.test"),
        ("package.json", "{}", '{"jest": {"testMatch": []}}', "jest"),
        ("web/package.json", "{}", '{"scripts": {"prepare": "node x.js"}}', "scripts.prepare"),
        ("composer.json", "{}", '{"scripts": {"test": ["true"]}}', "scripts.test"),
        ("package.json", '{"scripts": 1}', '{"scripts": {"start": "node x.js"}}', ""),
        ("package.json", "{", "[]", ""),
        ("go.mod", "", "module x", ""),
    ],
)
def test_settings_of_runners_in_manifests(path: str, before: str, now: str, altered: str) -> None:
    findings = judge_scripts({path: before}, {path: now})
    assert [finding.code for finding in findings] == (["runner_settings_changed"] if altered else [])
    assert altered in "".join(finding.message for finding in findings)
    assert judge_scripts({path: before}, {path: now}, (path,)) == ()


def test_a_new_package_inside_names_scripts_of_its_own() -> None:
    scripts = '{"scripts": {"test": "x"}}'
    assert judge_scripts({}, {"web/package.json": scripts}) == ()
    assert judge_scripts({}, {"package.json": scripts}) != ()


@pytest.mark.parametrize(
    "part",
    [
        *(
            "(",
            "if(",
            "{",
            "`${",
            "=/[",
            "/*",
            "'",
            "a.",
            "Error(",
            "strict:a ",
            "for(const a of ",
            "<<<A\n",
            "func(",
            '"a"+',
        ),
        "import assert from 'assert';for(const a of assert",
    ],
)
def test_hostile_text_is_read_in_little_time(part: str) -> None:
    text = part * (40_000 // len(part))
    began = time.process_time()
    for find in (script_hits, go_hits, php_hits):
        find(text)
    assert time.process_time() - began < 10


@given(st.text(max_size=80))
def test_no_text_breaks_a_rule(text: str) -> None:
    for find in (script_hits, go_hits, go_test_hits, php_hits):
        find(text)
