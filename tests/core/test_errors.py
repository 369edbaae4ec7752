"""Errors say what happened and what to do next."""

from __future__ import annotations

import pytest

from keelway.core import errors


def test_the_text_holds_code_and_hint() -> None:
    assert (
        str(errors.OurFault("broken", "It broke.", "keelway doctor"))
        == "It broke. (broken) Next: keelway doctor"
    )
    assert str(errors.TheirFault("late", "It was late.")) == "It was late. (late)"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.OurFault, 1),
        (errors.TheirFault, 1),
        (errors.YourFault, 2),
        (errors.RequestRefused, 3),
        (errors.PolicyRefused, 5),
        (errors.FreezeInForce, 5),
        (errors.StaleEpoch, 1),
    ],
)
def test_each_fault_has_its_exit_code(kind: type[errors.KeelwayError], code: int) -> None:
    error = kind("code", "Message.", "hint")
    assert (error.exit_code, error.code, error.message, error.hint) == (code, "code", "Message.", "hint")
