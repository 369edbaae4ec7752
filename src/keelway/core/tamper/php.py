"""Rules for PHP that is no test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from keelway.core.source.php import lex
from keelway.core.source.token import Flat, flatten, fold
from keelway.core.tamper.hit import Hit, by_rules, by_words, rule

_RUNNER_NAME = re.compile(r"^\\?(?:PHPUnit|Pest|Mockery|Codeception)(?:\\|$)|^PHPUNIT_\w+|^__PHPUNIT\w*")
_RUNNER_TEXT = re.compile(
    r"\bPHPUnit\b|\bPHPUNIT_\w+|\bPest\\|\bphpunit(?:\.phar)?$|/pest$|Test\.php\b|\bKEELWAY_[A-Z]+"
)
_RULES = (
    rule("tamper_runner_name", r"(?:->|::)runningUnitTests\(", "asks whether tests are running"),
    rule("tamper_runner_name", r'\benvironment\((?:\["?|)"testing"|"testing"(?:===?|!==?)|(?:===?|!==?)"testing"', "asks whether tests are running"),
    rule("tamper_frames", r"\bdebug_(?:print_)?backtrace\(|->getTrace(?:AsString)?\(", "looks at its callers"),
    rule("tamper_exit", r"\bposix_kill\(|\bpcntl_exec\(", "can end the process without cleaning up"),
    rule("tamper_builtins", r"\b(?:runkit7?|uopz)_\w+\(|\bstream_wrapper_(?:un)?register\(|\boverride_function\(", "replaces a part of the language"),
    rule("tamper_hidden_code", r"(?<![\w>:$])eval\(|\bcreate_function\(|(?<![\w>:$])assert\(\"", "runs code that it makes from text"),
)  # fmt: skip


def php_hits(text: str) -> tuple[Hit, ...]:
    """Return every suspicious place of a source."""
    source = flatten(fold(lex(text), "."))
    found = chain(
        by_rules(source, _RULES),
        by_words(source, _RUNNER_NAME, _RUNNER_TEXT, "tamper_runner_name"),
        _early_exits(source),
    )
    return tuple(sorted(set(found)))


def _early_exits(source: Flat) -> Iterator[Hit]:
    """Find an exit that stands in no function, class or block."""
    depth = 0
    for token in source.tokens:
        depth += token.is_punct("{") - token.is_punct("}")
        if not depth and token.text.lower() in {"exit", "die"} and token.kind == "name":
            yield Hit(token.line, token.line, "tamper_exit", "can end the process when it is loaded")
