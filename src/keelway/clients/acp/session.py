"""Hold the conversation of one turn: initialize, session/new, session/prompt, and its questions.

Agent Client Protocol version 1 (agentclientprotocol.com).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from acp.connection import Connection
from acp.exceptions import RequestError
from acp.meta import AGENT_METHODS, CLIENT_METHODS, PROTOCOL_VERSION

from keelway.clients.acp.account import Account
from keelway.clients.acp.permission import Rights, answer, refusal
from keelway.clients.acp.wire import Wire
from keelway.clients.run.transcript import Transcript
from keelway.clients.run.turn import Broken, End, Order, cause_of

_NAME_CHARS_MAX = 200
_AUTH_CODE = -32000
_PROTOCOL_CODES = frozenset({-32700, -32600, -32601, -32602})
_STOPS = {
    "end_turn": End.COMPLETED,
    "refusal": End.REFUSED,
    "max_tokens": End.LIMIT_TOKENS,
    "max_turn_requests": End.LIMIT_TOOLS,
}


class Session:
    """Speak with one agent over one wire."""

    leaves = False

    def __init__(self, wire: Wire, account: Account, transcript: Transcript, rights: Rights) -> None:
        self._wire = wire
        self.account = account
        self._transcript = transcript
        self._rights = rights
        self._connection = Connection(self._asked, wire)
        self._session_id = ""
        self._cancelling = False
        self.agent = ""
        self.version = ""

    @property
    def last_at(self) -> float:
        """Return the monotonic time of the latest message."""
        return self._wire.last_at

    @property
    def fault(self) -> Broken | None:
        """Return why nothing more is read."""
        return self._wire.fault

    @property
    def strange(self) -> bool:
        """Tell whether something was received and none of it was a message."""
        return self._wire.strange

    async def greet(self) -> None:
        """Agree on the protocol; we offer neither files nor terminals, so agents use the workspace itself.

        Raises:
            Broken: the agent answers an error or does not speak our version.
        """
        result = await self._request(
            "initialize",
            {
                "protocolVersion": PROTOCOL_VERSION,
                "clientCapabilities": {
                    "fs": {"readTextFile": False, "writeTextFile": False},
                    "terminal": False,
                },
                "clientInfo": {"name": "keelway", "version": "1"},
            },
        )
        info = result.get("agentInfo")
        if isinstance(info, dict):
            self.agent = str(info.get("name", ""))[:_NAME_CHARS_MAX]
            self.version = str(info.get("version", ""))[:_NAME_CHARS_MAX]
        if result.get("protocolVersion") != PROTOCOL_VERSION:
            raise Broken(
                End.PROTOCOL_ERROR,
                f"The agent speaks protocol version {result.get('protocolVersion')!r:.40}, not {PROTOCOL_VERSION}.",
            )

    async def work(self, cwd: str, prompt: str) -> End:
        """Greet, open a session in a folder, carry out one turn and return why it ended.

        Raises:
            Broken: the agent answers an error or something that is no answer.
        """
        await self.greet()
        opened = await self._request("session_new", {"cwd": cwd, "mcpServers": []})
        if not isinstance(opened.get("sessionId"), str):
            raise Broken(End.PROTOCOL_ERROR, "The agent opened no session: its answer has no sessionId.")
        self._session_id = opened["sessionId"]
        result = await self._request(
            "session_prompt",
            {"sessionId": self._session_id, "prompt": [{"type": "text", "text": prompt}]},
        )
        self.account.settle(result)
        stop = result.get("stopReason")
        if stop == "cancelled":
            # Some agents end their turn this way when a permission is refused.
            return End.REFUSED if self.account.permissions_refused else End.CANCELLED
        if stop not in _STOPS:
            raise Broken(End.PROTOCOL_ERROR, f"Unknown stop reason {stop!r:.60}.")
        return _STOPS[stop]

    async def cancel(self) -> None:
        """Ask the agent to end its turn; every question from now on is answered with cancelled."""
        self._cancelling = True
        if self._session_id:
            await self._wire.send(
                {
                    "jsonrpc": "2.0",
                    "method": AGENT_METHODS["session_cancel"],
                    "params": {"sessionId": self._session_id},
                }
            )

    async def close(self) -> None:
        """Stop listening."""
        with contextlib.suppress(Exception):
            await self._connection.close()

    async def _request(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            result = await self._connection.send_request(AGENT_METHODS[name], params)
        except RequestError as error:
            raise Broken(end_of(error), f"{AGENT_METHODS[name]}: {error} ({error.code})") from error
        except ConnectionError as error:
            raise Broken(End.CRASHED, "The agent closed its output before it had answered.") from error
        if not isinstance(result, dict):
            raise Broken(End.PROTOCOL_ERROR, f"{AGENT_METHODS[name]} was answered with no object.")
        # The account must have heard what came before the answer.
        await asyncio.sleep(0)
        return result

    async def _asked(self, method: str, params: Any, is_notification: bool) -> Any:
        if is_notification:
            return None
        if method == CLIENT_METHODS["session_request_permission"] and isinstance(params, dict):
            return self._permit(params)
        raise RequestError.method_not_found(method)

    def _permit(self, params: dict[str, Any]) -> dict[str, Any]:
        told = params.get("toolCall")
        call = self.account.call(told if isinstance(told, dict) else {})
        reason = "the turn is being cancelled" if self._cancelling else refusal(self._rights, call)
        outcome = None if reason else answer(params.get("options"), allowed=True)
        if not reason and outcome is None:
            reason = "the agent offers no way to allow it once"
        self._transcript.note(
            "permission",
            allowed=not reason,
            reason=reason,
            kinds=sorted(call.kinds),
            paths=sorted(call.paths),
        )
        if outcome:
            return outcome
        self.account.permissions_refused += 1
        rejection = None if self._cancelling else answer(params.get("options"), allowed=False)
        return rejection or {"outcome": {"outcome": "cancelled"}}


def speak(process: asyncio.subprocess.Process, transcript: Transcript, order: Order, home: str) -> Session:
    """Begin a conversation with a process that was just started."""
    del home
    account = Account()
    wire = Wire(process, transcript, order.limits.output_bytes_max, account.hear)
    return Session(wire, account, transcript, Rights(order.workspace, order.writes, order.protected))


def end_of(error: RequestError) -> End:
    """Return the end that an error answer means: wrong key, wrong protocol or a failing provider."""
    if error.code in _PROTOCOL_CODES:
        return End.PROTOCOL_ERROR
    return End.AUTH_ERROR if error.code == _AUTH_CODE else cause_of(f"{error} {error.data}")
