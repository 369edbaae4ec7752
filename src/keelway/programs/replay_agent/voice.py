"""Speak to the client: messages, thoughts, plans, tool calls and questions of one session."""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, cast

import acp
from acp.schema import Cost, PermissionOption, ToolCallLocation, ToolCallUpdate, UsageUpdate

CONTEXT_TOKENS = 200_000
"""Size of the context window that usage reports name; a replay has none of its own."""

_SHOWN_CHARS_MAX = 20_000
_OPTIONS = (
    PermissionOption(option_id="forever", name="Allow and do not ask again", kind="allow_always"),
    PermissionOption(option_id="go", name="Allow this time", kind="allow_once"),
    PermissionOption(option_id="stay", name="Refuse", kind="reject_once"),
)


class ToolFailed(Exception):
    """Report that a step could not be carried out; the play goes on, as an agent would."""


class Voice:
    """Send the updates of one session in their order; tool calls are numbered from 1."""

    def __init__(self, client: acp.Client, session_id: str, cwd: str) -> None:
        self._client = client
        self._session_id = session_id
        self._cwd = cwd
        self._calls = 0

    async def say(self, text: str) -> None:
        """Send a piece of the answer."""
        await self._update(acp.update_agent_message_text(text))

    async def think(self, text: str) -> None:
        """Send a piece of thought."""
        await self._update(acp.update_agent_thought_text(text))

    async def plan(self, entries: list[str], done: int) -> None:
        """Send the plan, of which the first ``done`` entries are completed."""
        rows = [
            acp.plan_entry(entry, status="completed" if index < done else "pending")
            for index, entry in enumerate(entries)
        ]
        await self._update(acp.update_plan(rows))

    async def usage(self, tokens: int, cost_usd: float) -> None:
        """Send what the session has consumed so far."""
        cost = Cost(amount=cost_usd, currency="USD")
        await self._update(
            UsageUpdate(session_update="usage_update", used=tokens, size=CONTEXT_TOKENS, cost=cost)
        )

    async def call(self, kind: str, title: str, given: dict[str, Any], act: Callable[[], Any]) -> bool:
        """Announce a tool call, carry it out and report its end; tell whether it worked."""
        self._calls += 1
        call_id = f"call-{self._calls}"
        await self._update(
            acp.start_tool_call(
                call_id,
                title,
                kind=cast("Any", kind),
                status="in_progress",
                raw_input=given,
                **self._where(given),
            )
        )
        try:
            content = act()
            content, worked = await content if isawaitable(content) else content, True
        except ToolFailed as failure:
            content, worked = str(failure), False
        shown = content if not isinstance(content, str) else _shown(content)
        await self._update(
            acp.update_tool_call(call_id, status="completed" if worked else "failed", content=[shown])
        )
        return worked

    async def ask(self, kind: str, title: str, given: dict[str, Any]) -> bool:
        """Ask the client for permission; anything but a clear yes is a no."""
        self._calls += 1
        answer = await self._client.request_permission(
            session_id=self._session_id,
            tool_call=ToolCallUpdate(
                tool_call_id=f"call-{self._calls}",
                title=title,
                kind=cast("Any", kind),
                status="pending",
                raw_input=given,
                **self._where(given),
            ),
            options=list(_OPTIONS),
        )
        return getattr(answer.outcome, "option_id", "") in {"go", "forever"}

    def _where(self, given: dict[str, Any]) -> dict[str, Any]:
        path = given.get("path")
        return {"locations": [ToolCallLocation(path=f"{self._cwd}/{path}")]} if path else {}

    async def _update(self, update: Any) -> None:
        await self._client.session_update(session_id=self._session_id, update=update)


def _shown(text: str) -> Any:
    return acp.tool_content(acp.text_block(text[:_SHOWN_CHARS_MAX]))


def words_of(prompt: list[Any]) -> str:
    """Return the text of a prompt; other kinds of content are left out."""
    return "\n".join(block.text for block in prompt if getattr(block, "type", "") == "text")


def shell_words(argv: list[str]) -> str:
    """Show an argument list on one line."""
    return " ".join(word if word.isidentifier() else json.dumps(word) for word in argv)
