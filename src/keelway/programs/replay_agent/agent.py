"""Answer the client as an Agent Client Protocol agent does: sessions, turns, cancel."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import acp
from acp.schema import AgentCapabilities, Implementation, InitializeResponse, PromptResponse, Usage

from keelway.programs.replay_agent.memory import Memory
from keelway.programs.replay_agent.player import Player
from keelway.programs.replay_agent.script.play import Script, read_cue
from keelway.programs.replay_agent.voice import Voice, words_of

NAME = "keelway-replay"
VERSION = "1"


@dataclass
class _Session:
    player: Player
    turn: asyncio.Task[str] | None = None
    cancelled: bool = False


class ReplayingAgent:
    """Play the script; which client speaks is told by ``on_connect``."""

    def __init__(self, script: Script, memory: Memory) -> None:
        self._script = script
        self._memory = memory
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
            agent_info=Implementation(name=NAME, version=VERSION),
        )

    async def new_session(self, cwd: str, **_more: Any) -> acp.NewSessionResponse:
        """Open a session in a folder."""
        if self._client is None:
            raise acp.RequestError.internal_error({"details": "no client is connected"})
        name = f"session-{len(self._sessions) + 1}"
        self._sessions[name] = _Session(Player(cwd, Voice(self._client, name, cwd)))
        return acp.NewSessionResponse(session_id=name)

    async def prompt(self, session_id: str, prompt: list[Any], **_more: Any) -> PromptResponse:
        """Play the play that fits the prompt and say why the turn ended."""
        session = self._session(session_id)
        session.cancelled = False
        session.turn = asyncio.create_task(self._turn(session, words_of(prompt)))
        try:
            stop = await session.turn
        except asyncio.CancelledError:
            if not session.cancelled:
                raise
            stop = "cancelled"
        spent = session.player.spent
        usage = Usage(
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            total_tokens=spent.input_tokens + spent.output_tokens,
        )
        return PromptResponse(stop_reason=cast("Any", stop), usage=usage)

    async def cancel(self, session_id: str, **_more: Any) -> None:
        """End the turn of a session at once."""
        session = self._session(session_id)
        session.cancelled = True
        if session.turn:
            session.turn.cancel()

    async def _turn(self, session: _Session, text: str) -> str:
        cue = read_cue(text)
        play = self._script.choose(cue, lambda number: self._memory.played(cue.task, number))
        if play is None:
            await session.player.say(
                f"No play fits role {cue.role or '(none)'}, attempt {cue.attempt}. Nothing was changed.\n"
            )
            return "end_turn"
        self._memory.begin(cue, play.number)
        return await session.player.play(play)

    def _session(self, session_id: str) -> _Session:
        if session_id not in self._sessions:
            raise acp.RequestError.invalid_params({"details": f"no session {session_id}"})
        return self._sessions[session_id]
