"""Switch a gate, a rule or a single reason off in this process, or listen to what they say.

A function keeps its identity, so that everybody who imported it meets the change: only its code is exchanged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

from tests.redteam.mutation.find import Rule

from keelway.core.model.verdict import Finding, Ruling, Verdict, passed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    exec(
        "def _other(*args, **kwargs):\n    return (-7)(*args, **kwargs)\n"
    )  # the constant becomes a callable

_MARK = -7


def exchange(function: FunctionType, other: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function do something else, and return what it did."""
    was = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    was.__kwdefaults__ = function.__kwdefaults__
    code = globals()["_other"].__code__
    constants = tuple(other if constant == _MARK else constant for constant in code.co_consts)
    function.__code__ = code.replace(co_consts=constants, co_name=function.__name__)
    function.__defaults__ = function.__kwdefaults__ = None
    return was


def switch_off(rule: Rule) -> None:
    """Let a rule find nothing to say against anything."""
    exchange(rule.function(), lambda *_args, **_kwargs: harmless(rule.returns))


def harmless(returns: str) -> Any:
    """Return the answer that lets everything through, of the kind that a function promises."""
    yes = passed("switched_off", "This rule was switched off.")
    if returns == "Verdict":
        return Verdict("switched off", (yes,))
    if returns == "Finding":
        return yes
    if "None" in returns:
        return None
    if returns.startswith("Iterator"):
        return iter(())
    if returns.startswith(("tuple[Finding", "list[Finding")):
        return (yes,) if returns.startswith("tuple") else [yes]
    return []


def silence(code: str) -> None:
    """Let every finding of one code let through."""
    _on_finding(lambda finding: _pass(finding) if finding.code == code else None)


def _pass(finding: Finding) -> None:
    object.__setattr__(finding, "ruling", Ruling.PASS)
    object.__setattr__(finding, "examined", max(1, finding.examined))


def listen_to_codes(heard: Callable[[str], None]) -> None:
    """Be told the code of every finding that keeps a gate shut."""
    _on_finding(lambda finding: heard(finding.code) if _is_shut(finding) else None)


def _is_shut(finding: Finding) -> bool:
    return finding.ruling is not Ruling.PASS or finding.examined < 1


def _on_finding(look: Callable[[Finding], object]) -> None:
    made = Finding.__init__

    def init(self: Finding, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        look(self)

    Finding.__init__ = init  # type: ignore[method-assign]


def listen_to_rules(rules: Collection[Rule], heard: Callable[[str], None]) -> None:
    """Be told of every call of a rule."""
    for rule in rules:
        _listen(rule, heard)


def _listen(rule: Rule, heard: Callable[[str], None]) -> None:
    was: list[Callable[..., Any]] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        heard(rule.id)
        return was[0](*args, **kwargs)

    was.append(exchange(rule.function(), call))
