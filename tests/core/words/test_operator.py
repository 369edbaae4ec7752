"""An operator is told what to bring where, how to check it, and what to say afterwards."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.words.operator import Errand, errand_done, errand_subject, errand_text

ERRAND = Errand("production", "r-0123456789ab", "0" * 40, "/srv/artefacts", "r-old", 3_600.0, back=False)


def test_a_deployment_names_everything_that_is_needed() -> None:
    text = errand_text(ERRAND)
    assert "Please deploy it to production" in text
    assert "Live now: r-old" in text
    assert "/srv/artefacts" in text
    assert "sha256sum --check SHA256SUMS" in text
    assert "keelway confirm production r-0123456789ab\n" in text
    assert "--failed" in text
    assert errand_subject(ERRAND) == "production: r-0123456789ab is ready to be deployed by you"
    assert "Live now: nothing that is known" in errand_text(replace(ERRAND, live=""))


def test_a_way_back_is_urgent() -> None:
    back = replace(ERRAND, back=True)
    assert errand_text(back).startswith("!! r-old in production is bad.")
    assert "Live now" not in errand_text(back)
    assert "BACK now" in errand_subject(back)
    assert errand_text(replace(back, live="")).startswith("!! The release in production is bad.")


def test_what_was_done_is_told() -> None:
    assert errand_done(ERRAND, 61.0).startswith("production serves r-0123456789ab")
