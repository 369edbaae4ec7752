"""Who reads bytes that others wrote, with seeds to begin from.

A reader may say no in one of our own errors, and nothing else; and it must not take a second for it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi.testclient import TestClient
from tests.web.rig import House

from keelway.app.config import load_config, store_url_of
from keelway.clients.coverage_xml import read_coverage
from keelway.clients.git.diffs import read_lines
from keelway.clients.junit import read_junit
from keelway.core.errors import RequestRefused
from keelway.core.judge.tamper import judge_source
from keelway.core.migration.judge import read_migration
from keelway.core.model.diff import NO_MODE, Diff, FileDelta, parse_diff
from keelway.core.model.plan import Plan, parse_plan
from keelway.core.owner.codeowners import owners_of
from keelway.core.package.added import judge_added
from keelway.core.package.lock import read_lock
from keelway.core.package.locked import LockCase, judge_locks
from keelway.core.policy import DependencyPolicy, GuardrailPolicy
from keelway.core.review.review import parse_review
from keelway.core.rule.glob import matches
from keelway.core.rule.guardrail import judge_diff
from keelway.core.rule.secrets import find_secrets, hide_secrets
from keelway.core.words.text import fenced, inline, line, prose
from keelway.store.freeze import read_freeze

SHA = b"0" * 40
SEAM = b"\n%%%%\n"
"""Parts the two outputs that some readers take."""


@dataclass(frozen=True)
class Target:
    """Describe one reader."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    """What its grammar is made of."""
    share: int = 10
    """How many of a hundred inputs it gets in a long run, roughly."""


def _parts(data: bytes) -> tuple[bytes, bytes]:
    first, _seam, second = data.partition(SEAM)
    return first, second


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


_WAYS = ("tasks", "tasks/1/approve", "tasks/1/revise", "rollback")
_HOME = Path(tempfile.mkdtemp(prefix="keelway-fuzz-"))


def _config(data: bytes) -> None:
    _HOME.mkdir(exist_ok=True)  # whoever tidies up the machine's temporary folder meanwhile does no harm
    path = _HOME / "keelway.toml"
    path.write_bytes(data)
    store_url_of(path)
    load_config(path)


@cache
def _door() -> TestClient:
    _HOME.mkdir(exist_ok=True)
    return House.build(_HOME).client()


def _request(data: bytes) -> None:
    """Post a body to the API; a refusal in our own words is a no."""
    path, body = _parts(data)
    way = _WAYS[len(path) % len(_WAYS)]
    answer = _door().post(f"/api/{way}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text[:300]
    if answer.is_error:
        raise RequestRefused(answer.json()["code"], "refused by the API", "")


def _freeze(data: bytes) -> None:
    _HOME.mkdir(exist_ok=True)
    (_HOME / "FREEZE").write_bytes(data)
    assert read_freeze(_HOME).active


def _patch(data: bytes) -> None:
    """Judge a patch of any lines on any path, as the guardrail sees it."""
    name, body = _parts(data)
    path = name.decode("utf-8", "replace")[:500] or "a.py"
    lines = tuple(enumerate(body.decode("utf-8", "replace").split("\n"), 1))
    gone = {path: lines[::2]}
    diff = Diff("b", "h", (FileDelta(path, "A", NO_MODE, added=len(lines)),), {path: lines}, gone)
    findings = judge_diff(diff, Plan("t", "a", create=(path,)), GuardrailPolicy())
    assert findings


def _manifest(data: bytes) -> None:
    name, body = _parts(data)
    path = name.decode("utf-8", "replace")[:100]
    assert judge_added((), (), {}, {path: body.decode("utf-8", "replace")})


def _owners(data: bytes) -> None:
    path, text = _parts(data)
    owners_of((_text(path)[:300] or "a", "src/a.py"), _text(text))


def _lock(data: bytes) -> None:
    name, text = _parts(data)
    path = name.decode("utf-8", "replace")[:100]
    read_lock(path, _text(text))
    case = LockCase(changed=frozenset({path}), base={}, head={path: _text(text)})
    judge_locks(case, DependencyPolicy())


def _migration(data: bytes) -> None:
    name, text = _parts(data)
    read_migration(name.decode("utf-8", "replace")[:100], _text(text))


def _words(data: bytes) -> None:
    text = _text(data)
    for shown in (line(text), inline(text), fenced(text), prose(text)):
        assert "\x1b" not in shown
    assert find_secrets(hide_secrets(text)) == () or "\n" not in text


def _glob(data: bytes) -> None:
    pattern, path = _parts(data)
    matches(_text(path)[:300], (_text(pattern)[:60],))


_RAW = (
    b":100644 100644 "
    + SHA
    + b" "
    + SHA
    + b" M\0app.py\0:000000 100644 "
    + SHA
    + b" "
    + SHA
    + b" A\0\xc3\xbc b.py\0"
)
_NUMSTAT = b"1\t2\tapp.py\0-\t-\t\xc3\xbc b.py\0"
_HUNKS = (
    b"diff --git a/app.py b/app.py\nindex 0..1 100644\n--- a/app.py\n+++ b/app.py\n@@ -1,2 +1 @@\n-one\n-two\n+three\n"
    b"diff --git a/x b/x\nnew file mode 100644\n@@ -0,0 +1,2 @@\n+@@ -1 +1 @@\n+diff --git a/y b/y\n\\ No newline at end of file\n"
)
_PLAN = json.dumps(
    {
        "title": "Add \u00fc", "approach": "x\ny", "kind": "fix", "create": ["a.py"], "modify": ["b/c.py"], "delete": [],
        "dependencies": ["x==1"], "migrations": [], "probes": [{"path": "/x?y=1", "method": "GET", "status": 200, "body_contains": "ok"}],
        "risks": ["r"], "test_plan": ["t"], "test_grants": [], "usage": "u", "lines_estimate": 3,
    }
).encode()  # fmt: skip
_REVIEW = b'{"verdict": "block", "summary": "s", "comments": [{"path": "a.py", "line": 3, "severity": "major", "text": "t"}]}'
_JUNIT = (
    b'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="3"><testcase classname="tests.test_a.TestB" '
    b'name="test_c[\xc3\xbc]" time="0.1"><failure message="no">x</failure></testcase><testcase file="tests/test_a.py" name="d">'
    b'<skipped/></testcase><testcase classname="a" name="e" status="notrun"/></testsuite></testsuites>'
)
_COVER = (
    b'<?xml version="1.0" ?><!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd"><coverage><sources>'
    b"<source>/top/src</source></sources><packages><package><classes>"
    b'<class filename="a.py"><lines><line number="1" hits="2"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>'
)
_CONFIG = b"""[project]
name = "small"
sources = ["src/*"]
[branches]
integration = "develop"
[[check]]
name = "tests"
kind = "tests"
run = ["pytest", "--junitxml={junit}"]
seconds_max = 60.0
[[process]]
name = "web"
run = ["true"]
[[probe]]
name = "healthz"
path = "/healthz"
[staging]
port = 8001
[staging.env]
A = "b"
[production]
port = 8002
[sandbox]
egress = ["pypi", "*.example.org:443"]
[[recipe]]
name = "tidy"
run = ["ruff"]
[[provider]]
name = "openai"
key = "env:KEY"
[policy.guardrail]
forbidden = ["/ci/", "*.lock"]
[policy.review]
auto_merge_risk = "medium"
approve_stages = ["planning"]
[policy.production]
window_seconds = 900.0
"""
_JSON_WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"[]",
    b"{}",
)
_XML_WORDS = (
    b"<",
    b"/>",
    b"&amp;",
    b"&#0;",
    b"&x;",
    b"<!DOCTYPE x [",
    b"<!ENTITY a 'b'>",
    b"]>",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"?>",
    b'="',
    b"<testcase ",
    b"<class ",
    b"<line ",
)

TARGETS: dict[str, Target] = {
    "raw diff": Target(
        lambda data: parse_diff("b", "h", *_parts(data)), (_RAW + SEAM + _NUMSTAT, SEAM),
        (b"\0", b"\t", b":", b" A", b" T", b"-\t-\t", b"160000", b"120000", SEAM, SHA), 22,
    ),
    "patch text": Target(
        lambda data: read_lines(*_parts(data)), (_RAW + SEAM + _HUNKS, SEAM + _HUNKS),
        (b"@@ -1 +1 @@", b"@@ -0,0 +1,99 @@\n", b"diff --git ", b"\n+", b"\n-", b"\n\\", b"\0", SEAM), 20,
    ),
    "plan": Target(lambda data: parse_plan(_text(data)), (_PLAN, b"Here: " + _PLAN + b" done {}"), _JSON_WORDS, 10),
    "review": Target(lambda data: parse_review(_text(data)), (_REVIEW, _REVIEW * 2), _JSON_WORDS, 8),
    "test report": Target(
        lambda data: read_junit(data, ("tests/test_a.py", "a.py"), "/top"), (_JUNIT, b"<testsuite/>"), _XML_WORDS, 14
    ),
    "coverage report": Target(
        lambda data: read_coverage(data, ("src/a.py", "a.py"), "/top"), (_COVER, b"<coverage/>"), _XML_WORDS, 10
    ),
    "configuration": Target(
        _config, (_CONFIG,),
        (b"[", b"]", b"[[", b"]]", b"=", b'"', b"'''", b"\n", b".", b"nan", b"inf", b"1979-05-27T07:32:00Z", b"0x", b"true", b"{a=1}", b"policy."), 3,
    ),
    "request body": Target(
        _request,
        (SEAM + b'{"text": "Add two", "hotfix": false, "severity": "low"}', b"a" + SEAM + b'{"note": "n", "about": "Q-1"}'),
        _JSON_WORDS, 3,
    ),
    "stop flag": Target(_freeze, (b'{"by": "o", "reason": "r", "since": "2026-01-01T00:00:00+00:00"}',), _JSON_WORDS, 4),
    "patch lines": Target(
        _patch, (b"src/a.py" + SEAM + b"x = 1\ntoken = 'a1B2c3D4e5F6g7H8i9'\n# noqa\n", b".github/x" + SEAM + b"\xd0\xb0dmin"),
        (b"\xe2\x80\xae", b"\xf3\xa0\x81\x81", b"AKIA", b"://a:b@", b"eyJ", b"pytest.skip", b"/", b"../", b"\n", b"-----BEGIN PRIVATE KEY-----"), 3,
    ),
    "source": Target(
        lambda data: judge_source("a.py", _text(data)),
        (b"import os\ndef f(x):\n    return os._exit(x)\n", b"class A:\n    def __eq__(self, o): return True\n"),
        (b"(", b"[", b"\n    ", b"lambda:", b"async ", b"def ", b"import pytest", b"__import__('", b"f'{", b"\\N{", b":="), 2,
    ),
    "manifest": Target(
        _manifest,
        (b"pyproject.toml" + SEAM + b'[project]\ndependencies = ["x==1", "y @ git+https://e"]\n', b"package.json" + SEAM + b'{"dependencies": {"x": "^1"}}',
         b"requirements.txt" + SEAM + b"x==1\n-e .\n", b"go.mod" + SEAM + b"require a.b/c v1\n"),
        (*_JSON_WORDS, b"==", b"@", b"[tool.uv.sources]"), 3,
    ),
    "owner list": Target(
        _owners,
        (b"src/a.py" + SEAM + b"* @all\n/src/ @a @b\n[Section][2] @c\n*.py\n^[Other]\n", b"docs/x y.md" + SEAM + b"docs/x\\ y.md a@b.c # why\n"),
        (b"*", b"**/", b"[", b"]", b"@", b"\\ ", b"#", b"!", b"?", SEAM), 3,
    ),
    "lock file": Target(
        _lock,
        (b"uv.lock" + SEAM + b'[[package]]\nname = "x"\nversion = "1"\nsource = { registry = "https://a.b/simple" }\nwheels = [{ url = "https://a.b/x-1.whl", hash = "sha256:0" }]\n',
         b"package-lock.json" + SEAM + b'{"packages": {"node_modules/x": {"version": "1", "resolved": "https://a.b/x.tgz", "integrity": "sha512-0"}}}',
         b"requirements.txt" + SEAM + b"x==1 --hash=sha256:0 \\\n  --hash=sha256:1\n", b"go.sum" + SEAM + b"a.b/c v1 h1:x=\n", b"composer.lock" + SEAM + b'{"packages": [{"name": "a/b"}]}'),
        (*_JSON_WORDS, b"[[package]]", b"--hash=", b"\\\n", b"git = ", b"https://"), 3,
    ),
    "migration": Target(
        _migration,
        (b"migrations/1.sql" + SEAM + b"ALTER TABLE a ADD COLUMN b int;\n-- x\nDROP TABLE 'c';\nDO $$ BEGIN END $$;\n",
         b"app/migrations/0001_a.py" + SEAM + b"class Migration(migrations.Migration):\n    operations = [migrations.RunPython(f)]\n",
         b"alembic/versions/a.py" + SEAM + b"def upgrade():\n    op.add_column('a', sa.Column('b'))\n",
         b"database/migrations/a.php" + SEAM + b"<?php return new class { public function up() { Schema::create('a', function ($t) { $t->id(); }); } };"),
        (b";", b"'", b'"', b"$$", b"--", b"/*", b"*/", b"DROP ", b"ALTER TABLE ", b"(", b")", b"{", b"}"), 3,
    ),
    "words": Target(
        _words, (b"say `x` to @y #1 \x1b[31mred\x1b[0m https://a:bcd@e", b"Approved-by: me\n```\n"),
        (b"\x1b]8;;", b"\x1b[", b"```", b"~~~~", b"\r", b"@", b"#1", b"<!--", b"\xe2\x80\x8b", b"password="), 3,
    ),
    "pattern": Target(
        _glob, (b"**/deploy*" + SEAM + b"a/deploy.sh", b"/.*/" + SEAM + b".x/y"), (b"*", b"**/", b"?", b"/", b"[", b"{", b"\\", SEAM, b"a"), 3,
    ),
}  # fmt: skip
