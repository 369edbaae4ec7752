"""Speak to the client: words, thoughts, plans, tool calls, questions and use of one session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import acp
from acp.schema import PermissionOption, ToolCallLocation, ToolCallUpdate, UsageUpdate

CONTEXT_TOKENS = 200_000
"""Size of the context window that reports of use name; providers do not tell it."""

_SHOWN_CHARS_MAX = 20_000
_GO = "go"
_OPTIONS = (
    PermissionOption(option_id=_GO, name="Allow this time", kind="allow_once"),
    PermissionOption(option_id="stay", name="Refuse", kind="reject_once"),
)


@dataclass
class Call:
    """Describe one tool call to the client."""

    kind: str
    """``read``, ``search``, ``edit`` or ``execute``."""
    title: str
    given: dict[str, Any]
    path: str = ""
    """Absolute path of the file that it is about."""
    diff: tuple[str | None, str] | None = None
    """Text before and after, for a change of a file."""
    id: str = field(default="", init=False)


class Voice:
    """Send the updates of one session in their order; tool calls are numbered from 1."""

    def __init__(self, client: acp.Client, session_id: str) -> None:
        self._client = client
        self._session_id = session_id
        self._calls = 0

    async def say(self, text: str) -> None:
        """Send a piece of the answer."""
        if text:
            await self._update(acp.update_agent_message_text(text))

    async def think(self, text: str) -> None:
        """Send a piece of thought."""
        if text:
            await self._update(acp.update_agent_thought_text(text))

    async def plan(self, steps: list[str], done: int) -> None:
        """Send the plan, of which the first ``done`` steps are completed and the next one is under way."""
        states = ["completed"] * max(0, done) + ["in_progress"] + ["pending"] * len(steps)
        rows = [
            acp.plan_entry(step, status=cast("Any", state))
            for step, state in zip(steps, states, strict=False)
        ]
        await self._update(acp.update_plan(rows))

    async def used(self, context_tokens: int) -> None:
        """Send how much of the context is filled."""
        await self._update(
            UsageUpdate(session_update="usage_update", used=context_tokens, size=CONTEXT_TOKENS)
        )

    async def begin(self, call: Call, *, asks: bool) -> None:
        """Announce a tool call."""
        self._calls += 1
        call.id = f"call-{self._calls}"
        status = "pending" if asks else "in_progress"
        await self._update(
            acp.start_tool_call(
                call.id,
                call.title,
                kind=cast("Any", call.kind),
                status=cast("Any", status),
                raw_input=call.given,
                **_shown(call),
            )
        )

    async def may(self, call: Call) -> bool:
        """Ask the client for permission; anything but a clear yes is a no."""
        answer = await self._client.request_permission(
            session_id=self._session_id,
            tool_call=ToolCallUpdate(
                tool_call_id=call.id,
                title=call.title,
                kind=cast("Any", call.kind),
                status="pending",
                raw_input=call.given,
                **_shown(call),
            ),
            options=list(_OPTIONS),
        )
        return getattr(answer.outcome, "option_id", "") == _GO

    async def end(self, call: Call, text: str, *, worked: bool) -> None:
        """Report what came of a tool call."""
        status = "completed" if worked else "failed"
        shown = acp.tool_content(acp.text_block(text[:_SHOWN_CHARS_MAX]))
        await self._update(acp.update_tool_call(call.id, status=cast("Any", status), content=[shown]))

    async def _update(self, update: Any) -> None:
        await self._client.session_update(session_id=self._session_id, update=update)


def _shown(call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if call.path:
        shown["locations"] = [ToolCallLocation(path=call.path)]
    if call.diff:
        before, after = call.diff
        old = None if before is None else before[:_SHOWN_CHARS_MAX]
        shown["content"] = [acp.tool_diff_content(call.path, after[:_SHOWN_CHARS_MAX], old)]
    return shown


def words_of(prompt: list[Any]) -> str:
    """Return the text of a prompt; other kinds of content are left out."""
    return "\n".join(block.text for block in prompt if getattr(block, "type", "") == "text")
