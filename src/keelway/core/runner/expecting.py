"""vitest and jest, whose tests say ``expect``: each test file has a process or a world of its own."""

from __future__ import annotations

from keelway.core.runner.runner import Reach, Runner, Seed, Texts, program
from keelway.core.runner.script import ENDS, MARKED, SOURCES, Imports, appended, locate_by_names, with_words

_BODY = """\
keelTest("{name}", async () => {
  for (const lie of [
    () => keelExpect(1).toBe(2), () => keelExpect(1).not.toBe(1), () => keelExpect({ a: 1 }).toEqual({ a: 2 }),
    () => keelExpect({ a: 1 }).toStrictEqual({ a: 2 }), () => keelExpect({ a: 1 }).toMatchObject({ a: 2 }),
    () => keelExpect(0).toBeTruthy(), () => keelExpect(1).toBeFalsy(), () => keelExpect(undefined).toBeDefined(),
    () => keelExpect([1]).toContain(2), () => keelExpect([1]).toHaveLength(2), () => keelExpect("a").toMatch(/b/),
    () => keelExpect(1).toBeGreaterThan(2), () => keelExpect(1).toBeNull(), () => keelExpect(() => 1).toThrow(),
    () => keelExpect(Promise.resolve(1)).resolves.toBe(2), () => keelExpect(Promise.resolve(1)).rejects.toThrow(),
  ]) {
    let caught = false;
    try { await lie(); } catch { caught = true; }
    if (!caught) return;
  }
  throw new Error("this test has to fail");
});"""
_JEST_TESTS = (*MARKED, *(f"{mark}.{end}" for mark in ("test", "spec") for end in ENDS))


_VITEST_IMPORT = 'import { test as keelTest, expect as keelExpect } from "vitest";\n{body}'
_JEST_NAMES = "const { test: keelTest, expect: keelExpect } ="


def _vitest_seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    return appended(name, texts, Imports(_VITEST_IMPORT, _VITEST_IMPORT, _VITEST_IMPORT), _BODY)


def _jest_seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    imports = Imports(
        _VITEST_IMPORT.replace("vitest", "@jest/globals"),
        f'{_JEST_NAMES} require("@jest/globals");\n{{body}}',
        f'{_JEST_NAMES} typeof require === "function" ? require("@jest/globals") : globalThis;\n{{body}}',
    )
    return appended(name, texts, imports, _BODY)


def _vitest_related(run: tuple[str, ...], sources: tuple[str, ...]) -> tuple[str, ...]:
    if "vitest" not in run or "run" not in run:
        return ()
    words = tuple("related" if word == "run" else word for word in run)
    return with_words(words, ("--run", *sources))


def _jest_related(run: tuple[str, ...], sources: tuple[str, ...]) -> tuple[str, ...]:
    return with_words(run, ("--findRelatedTests", "--passWithNoTests", *sources))


VITEST = Runner(
    "vitest",
    program(r"vitest(?:\.mjs)?"),
    MARKED,
    SOURCES,
    Reach.FILE,
    _vitest_seed,
    locate_by_names,
    related=_vitest_related,
    install="npm install --save-dev vitest",
)
JEST = Runner(
    "jest",
    program(r"jest(?:\.js)?|react-scripts\s+test"),
    _JEST_TESTS,
    SOURCES,
    Reach.FILE,
    _jest_seed,
    locate_by_names,
    related=_jest_related,
    install="npm install --save-dev jest",
)
