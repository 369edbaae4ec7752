"""Say what went wrong, whose fault it is and what to do next."""

from __future__ import annotations


class KeelwayError(Exception):
    """Carry a code for machines, a sentence for people and the next command.

    Attributes:
        code: stable reason code such as ``"base_diverged"``.
        message: what happened and why, in one sentence.
        hint: the next command or action, or an empty string.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" + (f" Next: {self.hint}" if self.hint else "")


class OurFault(KeelwayError):
    """Report a broken invariant inside Keelway; the run stops where it is."""


class TheirFault(KeelwayError):
    """Report that a vendor, target or tool did not do what it promised."""


class YourFault(KeelwayError):
    """Report input or configuration that a person has to correct."""

    exit_code = 2


class RequestRefused(KeelwayError):
    """Report that a gate said no to a request or a command."""

    exit_code = 3


class PolicyRefused(KeelwayError):
    """Report that policy forbids the action for this actor or at this time."""

    exit_code = 5


class FreezeInForce(PolicyRefused):
    """Report that the emergency stop holds this effect."""


class StaleEpoch(TheirFault):
    """Report that a newer holder of the environment fenced this effect off."""
