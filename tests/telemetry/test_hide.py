"""Credentials never reach the log, whatever form they have."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.telemetry.hide import HIDDEN, TEXT_CHARS_MAX, Hide

SECRET = "s3cr3t-Value_42"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql+psycopg://keel:{SECRET}@db.internal/keelway",
        f"cannot reach https://bob:{SECRET}@git.internal:8443/repo.git: refused",
        f"https://{SECRET}@git.internal/repo.git",
        f"redis://:{SECRET}@cache/0",
        f"postgresql://u:p@{SECRET}@host/db",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}', 'accept': '*/*'}}",
        f'{{"authorization": "token {SECRET}"}}',
        f"[('authorization', 'Bearer {SECRET}')]",
        f"Authorization: Digest username=x, response={SECRET}, uri=/",
        f"sent Bearer {SECRET}-and-more",
        f"X-Api-Key: {SECRET}",
        f"Cookie: a=1; keelway={SECRET}",
        f"password={SECRET} host=db",
        f'{{"token": "{SECRET}"}}',
        f'{{\\"password\\": \\"{SECRET}\\"}}',
        f"GET /?key={SECRET} 303",
        f"--api-key={SECRET}",
    ],
)
def test_a_credential_is_hidden(text):
    seen = Hide().text(text)
    assert SECRET not in seen
    assert HIDDEN in seen


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://keel@db.internal/keelway",
        "T-7 uses basic authentication for nobody",
        "the bearer of this message",
        "http://127.0.0.1:4000/api/tasks",
        "effect key 01H/review/1/merge was done",
        "mail bob@example.org about it",
    ],
)
def test_what_is_no_credential_stays(text):
    assert Hide().text(text) == text


def test_the_vault_and_known_values_are_asked():
    hide = Hide(lambda text: text.replace("from-the-vault", "[db]"), ["the-api-token", "abc"])
    assert hide.text("x from-the-vault the-api-token abc") == f"x [db] {HIDDEN} abc"


def test_a_vault_that_fails_gives_no_text():
    def broken(text: str) -> str:
        raise OSError(text)

    assert Hide(broken).text(SECRET) == "[text withheld: OSError]"


def test_a_long_text_loses_its_middle_and_never_half_a_credential():
    text = "a" * 40_000 + f" password={SECRET} " + "b" * 40_000
    seen = Hide(known=[SECRET]).text(text)
    assert len(seen) < TEXT_CHARS_MAX + 100
    assert seen.startswith("aaa")
    assert seen.endswith("bbb")
    for cut in range(len(SECRET)):
        straddling = "a" * (32_000 - cut) + SECRET + "b" * 60_000
        assert "s3c" not in Hide(known=[SECRET]).text(straddling)


class Unshowable:
    def __str__(self) -> str:
        raise ValueError("no")


def test_fields_become_plain_json():
    nested: dict = {}
    inner = nested
    for _ in range(20):
        inner["deeper"] = {}
        inner = inner["deeper"]
    fields = {
        "Authorization": ["x", SECRET],
        "password": "",
        "odd": Unshowable(),
        "nan": float("nan"),
        "list": [1, None, True, {"token": SECRET}, f"password={SECRET}"],
        "many": list(range(1_000)),
        "nested": nested,
        "bytes": b"x",
    }
    seen = Hide().fields(fields)
    text = json.dumps(seen, allow_nan=False)
    assert SECRET not in text
    assert seen["Authorization"] == HIDDEN
    assert seen["password"] == ""
    assert seen["odd"] == "[Unshowable that cannot be shown: ValueError]"
    assert seen["nan"] == "nan"
    assert len(seen["many"]) == 100
    assert "[too deep]" in text


@given(
    before=st.text(max_size=60),
    after=st.text(max_size=60),
    secret=st.text("abcdefghijkmnopqrstuvwxyz0123456789-_.", min_size=8, max_size=40),
)
def test_known_values_and_url_passwords_never_pass(before, after, secret):
    assert secret not in Hide(known=[secret]).text(f"{before}{secret}{after}").replace(HIDDEN, "")
    seen = Hide().text(f"{before} postgresql://keel:{secret}@db/x {after}")
    assert f":{secret}@" not in seen
