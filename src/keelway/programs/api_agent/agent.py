"""Answer the client as an Agent Client Protocol agent does: sessions, turns, cancel."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import acp
from acp.schema import AgentCapabilities, Implementation, InitializeResponse, PromptResponse, Usage

from keelway.programs.api_agent.order import Order
from keelway.programs.api_agent.tools import Toolbox
from keelway.programs.api_agent.voice import Voice, words_of

if TYPE_CHECKING:
    from keelway.programs.api_agent.mind import Mind

NAME = "keelway-api"

_MIND = "keelway.programs.api_agent.mind"
_DETAIL_CHARS_MAX = 1_000


@dataclass
class _Session:
    box: Toolbox
    mind: Mind | None = None
    turn: asyncio.Task[str] | None = None
    cancelled: bool = False


class ApiAgent:
    """Work for one client; which one is told by ``on_connect``."""

    def __init__(self, order: Order, version: str) -> None:
        self._order = order
        self._version = version
        self._sessions: dict[str, _Session] = {}
        self._client: acp.Client | None = None

    def on_connect(self, conn: acp.Client) -> None:
        """Take the client to speak to."""
        self._client = conn

    async def initialize(self, protocol_version: int, **_more: Any) -> InitializeResponse:
        """State name, version and abilities."""
        return InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_capabilities=AgentCapabilities(load_session=False),
            agent_info=Implementation(name=NAME, version=self._version),
        )

    async def new_session(self, cwd: str, **_more: Any) -> acp.NewSessionResponse:
        """Open a session in a folder."""
        if self._client is None:
            raise acp.RequestError.internal_error({"details": "no client is connected"})
        name = f"session-{len(self._sessions) + 1}"
        self._sessions[name] = _Session(Toolbox.at(cwd, Voice(self._client, name)))
        return acp.NewSessionResponse(session_id=name)

    async def prompt(self, session_id: str, prompt: list[Any], **_more: Any) -> PromptResponse:
        """Work on the prompt and say why the turn ended."""
        session = self._session(session_id)
        session.cancelled = False
        session.turn = asyncio.create_task(self._turn(session, words_of(prompt)))
        try:
            stop = await session.turn
        except asyncio.CancelledError:
            if not session.cancelled:
                raise
            stop = "cancelled"
        spent = (session.mind.input_tokens, session.mind.output_tokens) if session.mind else (0, 0)
        usage = Usage(input_tokens=spent[0], output_tokens=spent[1], total_tokens=sum(spent))
        return PromptResponse(stop_reason=cast("Any", stop), usage=usage)

    async def cancel(self, session_id: str, **_more: Any) -> None:
        """End the turn of a session at once, what it runs included."""
        session = self._session(session_id)
        session.cancelled = True
        if session.turn:
            session.turn.cancel()

    async def _turn(self, session: _Session, text: str) -> str:
        # Takes seconds; meanwhile greetings are answered and a cancel is heard.
        thinking = await asyncio.to_thread(importlib.import_module, _MIND)
        if session.mind is None:
            session.mind = thinking.Mind(self._order, session.box)
        try:
            return await session.mind.work(text)
        except thinking.NotAllowed as error:
            raise acp.RequestError(
                -32000, f"Authentication failed: {str(error)[:_DETAIL_CHARS_MAX]}"
            ) from error
        except thinking.Failing as error:
            raise acp.RequestError(-32603, str(error)[:_DETAIL_CHARS_MAX]) from error

    def _session(self, session_id: str) -> _Session:
        if session_id not in self._sessions:
            raise acp.RequestError.invalid_params({"details": f"no session {session_id}"})
        return self._sessions[session_id]
