"""Run the gateway on a thread of its own, so that the sync world can use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from keelway.clients.gateway.switchboard import Switchboard
from keelway.clients.gateway.values import Allowance, Entry, GatewayLimits, Grant, Metered, Pass, Provider
from keelway.core.errors import OurFault

_T = TypeVar("_T")
_START_SECONDS = 15.0
_CALL_SECONDS = 30.0


class Gateway:
    """Stand between agents and model providers: keys stay here, use is counted here, and bounds hold here.

    Args:
        providers: whom it can reach.
        folder: where the sockets of its passes lie; it is made.
        book: takes each entry, on a thread of its own; one that fails is asked again with the same ``id``.
        allowance: says what a task may still spend; asked before each request, on another thread.
        limits: what requests may cost the gateway itself.
        uid: the user of the sandbox, who owns the sockets when we are root; -1 when there is none.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        folder: Path,
        *,
        book: Callable[[Entry], None],
        allowance: Callable[[str], Allowance],
        limits: GatewayLimits | None = None,
        uid: int = -1,
    ) -> None:
        self._make: Callable[[], Switchboard] = lambda: Switchboard(
            providers, folder, book, allowance, limits or GatewayLimits(), uid
        )
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._board: Switchboard | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._fault: BaseException | None = None
        self._ready = threading.Event()
        self._stopped = False

    def open(self, grant: Grant) -> Pass:
        """Make a pass for one run; the first one starts the thread.

        Raises:
            YourFault: there is no such provider, or the socket or the log cannot be made.
            OurFault: the gateway was stopped, or does not answer.
        """
        self._start()
        return self._call(self._running().open(grant))

    def look(self, token: str) -> Metered:
        """Return what a run has used so far.

        Raises:
            OurFault: there is no such pass.
        """
        return self._call(self._running().look(token))

    def close(self, token: str) -> Metered:
        """Make a pass void, ending what it has under way, and return what the run has used.

        Raises:
            OurFault: there is no such pass.
        """
        return self._call(self._running().close(token))

    def revoke(self, task: str) -> int:
        """Make every pass of a task void at once; return how many there were."""
        if self._board is None or self._stopped:
            return 0
        return self._call(self._running().revoke(task))

    def stop(self) -> None:
        """End everything; what was used is booked first. Stopping twice does no harm."""
        with self._lock:
            self._stopped = True
            thread, loop, leave = self._thread, self._loop, self._leave
        if thread is None:
            return
        if loop is not None and leave is not None and thread.is_alive():
            loop.call_soon_threadsafe(leave.set)
        thread.join(_CALL_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._stopped:
                raise OurFault("gateway_stopped", "The model gateway was stopped.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
                self._thread.start()
        self._ready.wait(_START_SECONDS)
        if self._fault is not None:
            raise OurFault(
                "gateway_lost", f"The model gateway did not start: {self._fault}."
            ) from self._fault

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._live())
        except BaseException as error:  # noqa: BLE001 - told to whoever asks next
            self._fault = error
        finally:
            self._ready.set()

    async def _live(self) -> None:
        board = self._make()
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        try:
            await board.start()
        except BaseException:
            await board.stop()
            raise
        self._board = board
        self._ready.set()
        await self._leave.wait()
        self._board = None
        await board.stop()

    def _running(self) -> Switchboard:
        board = self._board
        if board is None:
            raise OurFault("gateway_lost", "The model gateway does not run.")
        return board

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        loop = self._loop
        if loop is None or loop.is_closed():
            work.close()
            raise OurFault("gateway_lost", "The model gateway does not run.")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(_CALL_SECONDS)
        except TimeoutError as error:
            future.cancel()
            raise OurFault(
                "gateway_silent", f"The model gateway did not answer within {_CALL_SECONDS:g} s."
            ) from error
