"""Permission requests: refused unless every part of them is known and allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keelway.clients.acp.account import Account, Call
from keelway.clients.acp.permission import Rights, answer, refusal

KINDS = [
    "read",
    "edit",
    "delete",
    "move",
    "search",
    "execute",
    "think",
    "fetch",
    "switch_mode",
    "other",
    "new",
]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sets(st.sampled_from(KINDS)), st.sets(st.sampled_from(["a.txt", "ci/x", "../a", "/etc/passwd", "a\0"]))
)
def test_a_role_that_only_reads_is_never_allowed_to_write(kinds: set[str], paths: set[str]) -> None:
    rights = Rights("/nowhere/w", writes=False, protected=())
    allowed = not refusal(rights, Call(kinds, paths))
    assert not (allowed and kinds & {"edit", "delete", "move", "fetch", "switch_mode", "other", "new"})
    assert not (allowed and not kinds)


@given(st.lists(st.sampled_from(["..", ".", "a", "ci", "CI", "b/c", "~", ""]), max_size=6), st.booleans())
def test_no_spelling_of_a_path_leaves_the_workspace(parts: list[str], absolute: bool) -> None:
    root = Path("/nowhere/w")
    path = "/".join([str(root)] * absolute + parts)
    call = Call({"edit"}, {path})
    place = Path(path) if absolute else root / path
    names: list[str] = []
    for part in place.parts:
        names = names[:-1] if part == ".." else [*names, part]
    lexical = Path(*names)
    if not refusal(Rights(str(root), writes=True, protected=("ci/**",)), call):
        assert root in lexical.parents
        assert lexical.relative_to(root).parts[0].lower() != "ci" or len(lexical.relative_to(root).parts) == 1


def test_a_call_must_pass_as_everything_that_it_was_announced_as() -> None:
    account = Account()
    account.call({"toolCallId": "1", "kind": "edit", "locations": [{"path": "/etc/passwd"}]})
    call = account.call({"toolCallId": "1", "kind": "execute"})
    assert call.kinds == {"edit", "execute"}
    assert (
        refusal(Rights("/nowhere/w", writes=True, protected=()), call) == "outside the workspace: /etc/passwd"
    )


def test_a_diff_makes_an_edit_of_whatever_it_is_called() -> None:
    told = {"kind": "search", "content": [{"type": "diff", "path": "/nowhere/w/a", "newText": ""}]}
    call = Account().call(told)
    assert refusal(Rights("/nowhere/w", writes=False, protected=()), call) == "this role may not write"


def test_an_option_is_chosen_by_its_kind_and_never_for_ever() -> None:
    options = [
        {"optionId": "allow_once", "kind": "allow_always"},
        {"optionId": "reject_once", "kind": "allow_once"},
        {"optionId": "x", "kind": "reject_always"},
        {"optionId": "allow", "kind": "reject_once"},
    ]
    assert answer(options, allowed=True) == {"outcome": {"outcome": "selected", "optionId": "reject_once"}}
    assert answer(options, allowed=False) == {"outcome": {"outcome": "selected", "optionId": "allow"}}
    assert answer(options[:1], allowed=True) is None


@given(PLAIN, st.booleans())
def test_odd_options_are_no_option(options: Any, allowed: bool) -> None:
    assert answer(options, allowed=allowed) is None


UPDATE_KEYS = [
    "sessionUpdate",
    "toolCallId",
    "kind",
    "content",
    "locations",
    "rawInput",
    "used",
    "cost",
    "text",
]


@given(
    st.dictionaries(st.sampled_from(UPDATE_KEYS), PLAIN),
    st.sampled_from(
        ["agent_message_chunk", "tool_call", "tool_call_update", "usage_update", "plan", "novel"]
    ),
)
def test_any_update_is_survived(update: dict[str, Any], kind: str) -> None:
    account = Account()
    account.hear({"method": "session/update", "params": {"update": update | {"sessionUpdate": kind}}})
    account.settle(update)
    assert account.tokens >= 0
    assert account.cost_usd >= 0
