"""What platforms say is read the same way, whatever words they have."""

from __future__ import annotations

import pytest

from keelway.core.target.platform import Stand, commit_of, ends, stand_of

B, R, E, U = Stand.BUILDING, Stand.READY, Stand.ERROR, Stand.UNKNOWN
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("said", "stand"),
    [
        ("  2m  https://app-1.vercel.app  ● Ready   Production  31s", R),
        ("● Building\n● Ready", B),
        ("● Ready\n● Error", R),
        ('{"readyState": "ERROR"}', E),
        ('{"state": "in_progress"}', B),
        ("Status: In Progress", B),
        ("deployment succeeded", R),
        ("Canceled", E),
        ("TIMED_OUT", E),
        ("Progressing - more replicas need to be updated", B),
        ("Healthy", R),
        ("Degraded - RolloutAborted", E),
        ("already", U),
        ("unhealthy", U),
        ("not-ready", U),
        ("errorless", U),
        ("", U),
        ("nothing of that", U),
    ],
)
def test_the_first_word_that_says_it_counts(said: str, stand: Stand) -> None:
    assert stand_of(said) is stand


@pytest.mark.parametrize(
    ("said", "sha"),
    [
        (SHA, SHA),
        (f"live: {SHA.upper()}\n", SHA),
        (SHA + SHA[:24], SHA + SHA[:24]),
        (SHA[:12], ""),
        (SHA + "0", ""),
        ("", ""),
    ],
)
def test_only_a_whole_commit_counts(said: str, sha: str) -> None:
    assert commit_of(said) == sha


@pytest.mark.parametrize(
    ("stands", "live", "end"),
    [
        ((), False, None),
        ((U, B, R), True, R),
        ((R,), False, None),
        ((U, U), True, None),
        ((E,), False, None),
        ((E, E), False, E),
        ((B, E), False, E),
        ((E, B, E), False, E),
        ((E, U, E), False, None),
        ((E, B), False, None),
    ],
)
def test_a_deployment_ends_when_it_is_live_or_surely_failed(
    stands: tuple[Stand, ...], live: bool, end: Stand | None
) -> None:
    assert ends(stands, live=live) is end
