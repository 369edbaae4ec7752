"""Hooks in memory."""

from __future__ import annotations

from keelway.ports.hook import HookCall, HookDone, Hooks


class FakeHooks:
    """Keep what is ``wrong`` with the hooks there are, by name, and the ``calls`` that were made."""

    def __init__(self, wrong: dict[str, str] | None = None) -> None:
        self.wrong = wrong if wrong is not None else {}
        self.calls: list[HookCall] = []

    def run(self, call: HookCall) -> HookDone:
        """Answer as scripted."""
        if call.name not in self.wrong:
            return HookDone(found=False)
        self.calls.append(call)
        return HookDone(found=True, wrong=self.wrong[call.name])


_check: type[Hooks] = FakeHooks
