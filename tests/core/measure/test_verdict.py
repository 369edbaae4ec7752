import pytest

from keelway.core.measure.verdict import STAGING, VerdictSettings


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"alpha": 0.0}, "positive"),
        ({"window_seconds": float("inf")}, "positive"),
        ({"error_rate_max": 5.0}, "below 1"),
        ({"tolerance_ratio": 0.9}, "at least 1"),
        ({"accept_ratio": 1.2}, "at least 1"),
        ({"early_pass_share": 1.5}, "at most 1"),
        ({"tick_seconds": 1000.0}, "as long as the window"),
    ],
)
def test_nonsense_is_refused(change, word):
    with pytest.raises(ValueError, match=word):
        VerdictSettings(**change)


def test_staging_watches_shorter_and_allows_less():
    assert (STAGING.window_seconds, STAGING.error_rate_max) == (300.0, 0.01)
    assert STAGING.alpha == VerdictSettings().alpha
