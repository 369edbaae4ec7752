"""Planted credentials are found by shape or entropy; ordinary lines are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.rule.secrets import entropy_bits, find_secrets, hide_secrets

RANDOM = "k3J9xQ2mZp7Lr5Tw8Vb1Nc4Hd6Gf0Sa9"


def joined(*parts: str) -> str:
    """Put a planted credential together, so that no scanner takes this file for a leak."""
    return "".join(parts)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (joined("AK", "IA", "IOSFODNN7EXAMPLE"), "AWS access key"),
        (joined("gh", "p_", RANDOM, "abcd"), "GitHub token"),
        (joined("github", "_pat_", RANDOM, RANDOM), "GitHub token"),
        (joined("gl", "pat-", RANDOM), "GitLab token"),
        (joined("xo", "xb-", "123456789012-abc"), "Slack token"),
        (joined("https://hooks.", "slack.com/services/T000/B000/", RANDOM), "Slack webhook"),
        (joined("-----BEGIN ", "RSA PRIVATE KEY-----"), "private key"),
        (joined("-----BEGIN ", "PRIVATE KEY-----"), "private key"),
        (joined("-----BEGIN ", "PGP PRIVATE KEY BLOCK-----"), "private key"),
        (joined("AI", "za", RANDOM, "xyz"), "Google API key"),
        (joined("sk_", "live_", RANDOM), "Stripe key"),
        (joined("sk-", "ant-", RANDOM, RANDOM), "model provider key"),
        (joined("np", "m_", RANDOM, "abcd"), "npm token"),
        (joined("pypi-", "AgEI", RANDOM, RANDOM), "PyPI token"),
        (joined("S", "G.", RANDOM, ".", RANDOM), "SendGrid key"),
        (joined("123456789:", "AA", RANDOM, "x"), "Telegram bot token"),
        (joined("ey", "J", RANDOM, ".eyJ", RANDOM, ".", RANDOM), "JSON web token"),
        (joined("postgres://app:", "s3cr3tpw", "@db/app"), "password in a URL"),
        (joined("API_KEY", " = '", RANDOM, "'"), "high-entropy value assigned to a secret's name"),
        (joined("  password", ": ", RANDOM), "high-entropy value assigned to a secret's name"),
        (joined('{"auth_key', '": "', RANDOM, '"}'), "high-entropy value assigned to a secret's name"),
    ],
)
def test_found(line: str, kind: str) -> None:
    assert kind in find_secrets(f"x = {line!r}" if "=" not in line and ":" not in line else line)


@pytest.mark.parametrize(
    "line",
    [
        "password = settings.database_password_1",
        "token = os.environ.get('TOKEN')",
        "secret = 'change-me-please-1234'",
        "api_key = 'aaaaaaaaaaaaaaaaaaaa1'",
        "password_hash_rounds = 12",
        "sha = '3b18e512dba79e4c8300dd08aeb37f8e728b8dad'",
        "url = 'https://example.com/a:b@c'",
        "token_of_appreciation_for_everyone()",
        "postgresql://scott:tiger@localhost/test",
        "https://user:password@intranet.local/",
        "",
    ],
)
def test_not_found(line: str) -> None:
    assert find_secrets(line) == ()


@given(st.text(max_size=300))
def test_the_value_is_never_repeated(text: str) -> None:
    assert all(len(name) < 60 for name in find_secrets(text))


@given(st.text(min_size=1, max_size=60))
def test_entropy_is_bounded(text: str) -> None:
    assert -1e-9 <= entropy_bits(text) <= 6.0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (joined("use gh", "p_", RANDOM, "abcd now"), "use [GitHub token left out] now"),
        (joined("API_KEY", " = '", RANDOM, "'"), "API_KEY = '[value left out]'"),
        (joined("postgres://app:", "s3cr3tpw", "@db/app"), "[password in a URL left out]db/app"),
        (
            joined("a\n-----BEGIN ", "PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb"),
            "a\n[private key left out]\nb",
        ),
        (joined("a -----BEGIN ", "RSA PRIVATE KEY-----\nMIIE\nand no end"), "a [private key left out]"),
        ("the token bucket of the password page", "the token bucket of the password page"),
        ("token = settings.TOKEN_FROM_ENVIRONMENT_9", "token = settings.TOKEN_FROM_ENVIRONMENT_9"),
    ],
)
def test_a_text_that_leaves_has_no_credential(text: str, left: str) -> None:
    assert hide_secrets(text) == left
    assert find_secrets(hide_secrets(text)) == ()


@given(st.text(st.sampled_from("abcAKIA09_-=:/@ '\n"), max_size=200))
def test_hiding_twice_alters_nothing(text: str) -> None:
    assert hide_secrets(hide_secrets(text)) == hide_secrets(text)
