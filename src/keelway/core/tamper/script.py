"""Rules for JavaScript and TypeScript that is no test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from keelway.core.source.script import flat
from keelway.core.source.token import NAME, STRING, Flat, Token
from keelway.core.tamper.hit import Hit, by_rules, by_words, rule

_TOOLS = r"(?:node:test(?:/\w+)?|vitest(?:/[\w./-]*)?|@vitest/[\w./-]*|jest(?:-[\w.-]+)?|@jest/[\w./-]*|mocha|chai|jasmine(?:-core)?|ava|tap|tape|uvu|sinon)"
_ASSERT = r"(?:node:)?assert(?:/strict)?"
_LIBRARY = "Object|Array|String|Number|Boolean|Function|Promise|Error|TypeError|Map|Set|RegExp|Symbol|JSON|Math|Date|Reflect"
_SPOKEN = "describe|it|test|suite|expect|jest|vi|vitest|mocha|beforeEach|afterEach|assert"
_ASSIGN = r"(?:[-+*/|&?]{0,2}=)(?![=>])"
_DEFINE = r"(?:Object\.(?:assign|defineProperty|defineProperties|setPrototypeOf)|Reflect\.(?:set|defineProperty|setPrototypeOf))\("

_RUNNER_NAME = re.compile(
    r"^(?:VITEST(?:_\w+)?|JEST_WORKER_ID|NODE_TEST_CONTEXT|NODE_V8_COVERAGE|MOCHA_\w+|__vitest\w*|__jest\w*|KEELWAY_\w+)$"
)
_RUNNER_TEXT = re.compile(
    r"\b(?:VITEST\w*|JEST_WORKER_ID|NODE_TEST_CONTEXT|MOCHA_[A-Z]+|KEELWAY_[A-Z]+|__vitest_\w+)|^--test\b|test_runner"
    r"|\.(?:test|spec)\.[cm]?[jt]sx?|__tests__|(?:^|/)(?:vitest|jest|mocha)(?:$|/)|^(?:node:)?internal/test"
)
_RULES = (
    rule("tamper_runner_import", rf'(?:\bfrom|\bimport|\brequire(?:\.resolve)?\(?|\bimport\(|\)\()"{_TOOLS}"', "imports a test tool"),
    rule("tamper_runner_name", rf"\btypeof (?:globalThis\.)?(?:{_SPOKEN})\b", "asks whether tests are running"),
    rule("tamper_runner_name", rf"\bglobal(?:This)?\.(?:{_SPOKEN})\b(?!=)", "asks whether tests are running"),
    rule("tamper_runner_name", rf'"(?:{_SPOKEN})"in global', "asks whether tests are running"),
    rule("tamper_runner_name", r"\bimport\.meta\.(?:vitest|jest)\b", "asks whether tests are running"),
    rule("tamper_runner_name", r"(?<![\w.])(?:jest|vi)\.\w+\(", "speaks with the test runner"),
    rule("tamper_frames", r"\bError\.(?:prepareStackTrace|stackTraceLimit)\b|\bError\.captureStackTrace(?!\(this[,)])", "looks at its callers"),
    rule("tamper_frames", r"\bError\([^()]*\)\)?\.stack\b", "looks at its callers"),
    rule("tamper_frames", r"\.stack\.(?:includes|indexOf|lastIndexOf|match|matchAll|search|split|startsWith|endsWith|replace|slice)\b", "looks at its callers"),
    rule("tamper_frames", r"\.(?:test|exec)\([\w.]*\.stack\b", "looks at its callers"),
    rule("tamper_frames", r"\barguments\.callee\b|\bgetCallSites?\b|\bprocess\.mainModule\b|\bmodule\.(?:parent|children)\b", "looks at its callers"),
    rule("tamper_frames", r"(?<!module==)(?<!module!=)(?<!module===)(?<!module!==)\brequire\.main\b(?![!=]==?module\b)", "looks at its callers"),
    rule("tamper_frames", r'"(?:node:)?inspector(?:/promises)?"', "can look at the process from inside"),
    rule("tamper_exit", r"\bprocess\.(?:reallyExit|abort)\b", "can end the process without cleaning up"),
    rule("tamper_exit", r"\bprocess\.exitCode=0\b", "sets the exit code to a good one"),
    rule("tamper_builtins", rf"\b(?:{_LIBRARY})(?:\.prototype)?(?:\.\w+|\[[^\[\]]*\]){_ASSIGN}", "replaces a part of the language"),
    rule("tamper_builtins", rf"\bglobal(?:This)?\.(?:{_LIBRARY}|{_SPOKEN}|process|console|setTimeout|require){_ASSIGN}", "replaces a global"),
    rule("tamper_builtins", rf"{_DEFINE}(?:global(?:This)?\b|(?:{_LIBRARY})(?:\.prototype)?,)", "replaces a part of the language"),
    rule("tamper_builtins", rf'\brequire\(?"{_ASSERT}"\)?(?:\.\w+)*{_ASSIGN}|{_DEFINE}require\(?"{_ASSERT}"', "replaces an assertion"),
    rule("tamper_builtins", r"\brequire\.(?:cache|extensions)\b|\bModule\.(?:_\w+|prototype)\b|\bsyncBuiltinESMExports\b|\bregisterHooks\(", "replaces modules as they are loaded"),
    rule("tamper_builtins", rf"\bprocess\.(?:exit|emit|hrtime|binding|stdout\.write|stderr\.write){_ASSIGN}|\bprocess\.(?:binding|dlopen)\(", "replaces a part of the process"),
    rule("tamper_equality", r'\basymmetricMatch\b|"jest\.asymmetricMatcher"', "is equal to everything"),
    rule("tamper_equality", r"\bequals\([^()]*\)(?::\w+)?\{return true\b", "is equal to everything"),
    rule("tamper_hidden_code", r"(?<![\w.])eval\(|\bnew Function\(|(?<![\w.])Function\(|\.constructor\.constructor\(|\bvm\.(?:run\w+|Script|compileFunction)\b", "runs code that it makes from text"),
)  # fmt: skip
_COMPARES = frozenset({"==", "===", "!=", "!==", "case"})
_ASKS = frozenset({"includes", "startsWith", "has", "indexOf", "equals"})
_BLOCKS = frozenset({"if", "for", "while", "switch", "catch", "with", "await"})
_BEFORE_PLAIN_BLOCK = frozenset({"else", "try", "finally", "do"})
_LOOK_BACK, _LIST_WORDS_MAX = 40, 12


def script_hits(text: str) -> tuple[Hit, ...]:
    """Return every suspicious place of a source, under both readings of a slash."""
    readings = (flat(text), flat(text, patterns_after_brackets=True))
    return tuple(sorted({hit for reading in readings for hit in _hits(reading)}))


def _hits(source: Flat) -> Iterator[Hit]:
    return chain(
        by_rules(source, _RULES),
        by_words(source, _RUNNER_NAME, _RUNNER_TEXT, "tamper_runner_name"),
        _test_mode(source),
        _patched_assertions(source),
        _early_exits(source),
    )


def _test_mode(source: Flat) -> Iterator[Hit]:
    """Find a comparison of the mode with "test" in a source that knows of such a mode."""
    tokens = source.tokens
    if not any(
        token.kind in {NAME, STRING} and token.text in {"NODE_ENV", "MODE", "APP_ENV"} for token in tokens
    ):
        return
    for number, token in enumerate(tokens):
        if token.kind == STRING and token.text in {"test", "testing"} and _is_compared(tokens, number):
            yield Hit(
                token.line, token.line, "tamper_runner_name", "asks whether tests are running (test mode)"
            )


def _is_compared(tokens: tuple[Token, ...], number: int) -> bool:
    before, after = tokens[max(0, number - 2) : number], tokens[number + 1 : number + _LIST_WORDS_MAX]
    if any(token.text in _COMPARES for token in (*before[-1:], *after[:1])):
        return True
    listed = bool(before) and before[-1].is_punct("[", ",")
    return any(token.text in _ASKS for token in (after if listed else before))


def _patched_assertions(source: Flat) -> Iterator[Hit]:
    """Find assignments to members of whatever name the assertions were given."""
    names = set(
        re.findall(
            rf'\bimport(?:\*as)? ?(\w+) ?from ?"{_ASSERT}"|\b(\w+)=(?:await import\(|require\(?)"{_ASSERT}"',
            source.text,
        )
    )
    owners = {name for pair in names for name in pair if name} | set(
        re.findall(rf'\bstrict(?: as |:)(\w+)[^{{}}]{{0,300}}\}}(?:from|=require\(?)"{_ASSERT}"', source.text)
    )
    for _ in range(2):
        if owners:
            listed = "|".join(map(re.escape, sorted(owners)))
            owners |= set(
                re.findall(rf"\b(?:const|let|var) (\w+)=(?:{listed})(?:\.strict)?(?![\w.(])", source.text)
            )
    if not owners:
        return
    looped = "|".join(map(re.escape, sorted(owners)))
    owners |= set(
        re.findall(rf"\bfor\((?:const|let|var) (\w+) of[^{{;]{{0,200}}?\b(?:{looped})\b", source.text)
    )
    listed = "|".join(map(re.escape, sorted(owners)))
    pattern = re.compile(
        rf"(?<![\w.])(?:{listed})(?:\.\w+)*(?:\.\w+|\[[^\[\]]*\]){_ASSIGN}|{_DEFINE}(?:{listed})\b"
    )
    for first, last, said in source.find(pattern):
        yield Hit(first, last, "tamper_builtins", f"replaces an assertion ({said[:60]})")


def _early_exits(source: Flat) -> Iterator[Hit]:
    tokens = source.tokens
    later = _runs_later(tokens)
    for number in range(len(tokens) - 2):
        said = [token.text for token in tokens[number : number + 3]]
        arrow = number and tokens[number - 1].text in {"=>", "void"}
        if said in (["process", ".", "exit"], ["process", ".", "kill"]) and not later[number] and not arrow:
            line = tokens[number].line
            yield Hit(line, tokens[number + 2].line, "tamper_exit", "can end the process when it is imported")


def _runs_later(tokens: tuple[Token, ...]) -> list[bool]:
    """Tell for each word whether it stands in a function, or in what runs only as the main program."""
    found: list[bool] = []
    open_signs: list[tuple[int, bool]] = []
    functions = 0
    closed: dict[int, int] = {}
    for number, token in enumerate(tokens):
        if token.is_punct("(", "[", "{"):
            inside = token.text == "{" and _begins_function(tokens, number, closed)
            open_signs.append((number, inside))
            functions += inside
        elif token.is_punct(")", "]", "}") and open_signs:
            closed[number], inside = open_signs.pop()
            functions -= inside
        found.append(functions > 0)
    return found


def _begins_function(tokens: tuple[Token, ...], number: int, closed: dict[int, int]) -> bool:
    for at in range(number - 1, max(-1, number - _LOOK_BACK), -1):
        token = tokens[at]
        if at == number - 1 and token.text == "=>":
            return True
        if token.is_punct(";", "{", "}", "=", ",") or token.text in {*_BEFORE_PLAIN_BLOCK, "class", "static"}:
            return False
        if token.is_punct(")") and at in closed:
            head = tokens[closed[at] - 1].text if closed[at] else ""
            return head not in _BLOCKS or _asks_for_main(
                tokens[closed[at] : min(at, closed[at] + _LOOK_BACK)]
            )
    return False


def _asks_for_main(tokens: tuple[Token, ...]) -> bool:
    said = "".join(token.text for token in tokens)
    return "require.main" in said or "import.meta.url" in said or "import.meta.main" in said
