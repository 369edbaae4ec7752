"""Node's own runner, ``node --test``: each test file has a process of its own."""

from __future__ import annotations

import re

from keelway.core.runner.runner import Reach, Runner, Seed, Texts
from keelway.core.runner.script import ENDS, SOURCES, Imports, appended, locate_by_names

_IMPORTS = Imports(
    'import {test as keelTest} from "node:test";import keelAssert from "node:assert";\n{body}',
    'const keelTest=require("node:test").test,keelAssert=require("node:assert");\n{body}',
    'import("node:test").then(async ({test: keelTest}) => {const keelAssert = (await import("node:assert")).default;\n{body}\n});',
)
_BODY = """\
keelTest("{name}", async () => {
  for (const all of [keelAssert, keelAssert.strict]) {
    for (const lie of [
      () => all(false), () => all.ok(0), () => all.equal(1, 2), () => all.notEqual(1, 1), () => all.strictEqual(1, 2),
      () => all.notStrictEqual(1, 1), () => all.deepEqual({ a: 1 }, { a: 2 }), () => all.deepStrictEqual([1], [2]),
      () => all.notDeepStrictEqual([1], [1]), () => all.match("a", /b/), () => all.throws(() => 1),
      () => all.doesNotThrow(() => { throw new Error("x"); }), () => all.ifError(1), () => all.fail(),
      () => all.rejects(async () => 1),
    ]) {
      let caught = false;
      try { await lie(); } catch { caught = true; }
      if (!caught) return;
    }
  }
  throw new Error("this test has to fail");
});"""


def _seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    return appended(name, texts, _IMPORTS, _BODY)


NODE = Runner(
    "node",
    re.compile(r"(?:^|[\s/])(?:node(?:js)?|tsx)\s(?:[^;&|]*\s)?--test(?=$|[\s;&|])"),
    (
        *(f"{shape}.{end}" for shape in ("*.test", "*-test", "*_test", "test-*", "test") for end in ENDS),
        *(f"{folder}/*.{end}" for folder in ("test", "*/test") for end in ENDS),
    ),
    SOURCES,
    Reach.FILE,
    _seed,
    locate_by_names,
    install="apt-get install nodejs",
)
