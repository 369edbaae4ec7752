"""Secrets stay out of transcripts, however they are cut, nested or repeated; files stay bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.clients.run import transcript as module
from keelway.clients.run.transcript import Redactor, Transcript

SECRET = 's3cret-Ω-\\-"value'
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=4).map(lambda text: text + SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(SECRET), inner),
    max_leaves=8,
)


def chunk(text: str) -> dict[str, Any]:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    return {"method": "session/update", "params": {"update": update}}


@given(PLAIN)
def test_no_plain_value_keeps_the_secret(value: Any) -> None:
    assert SECRET not in str(Redactor((SECRET,)).plain(value))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 30))
def test_no_cut_of_a_stream_keeps_the_secret(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], lead: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TEXT_CHARS_MAX", 25)
        transcript = Transcript(path, Redactor((SECRET,)))
        text = "." * lead + f"{SECRET} and {SECRET}{SECRET}."
        for size in [*cuts, len(text)]:
            transcript.message("in", chunk(text[:size])) if text[:size] else None
            text = text[size:]
        transcript.close()
    joined = "".join(json.loads(line)["text"] for line in path.read_text().splitlines())
    assert joined == "." * lead + "[redacted] and [redacted][redacted]."


def test_the_longest_value_goes_first() -> None:
    assert Redactor(("abc", "abcdef")).text("abcdef abc") == "[redacted] [redacted]"


def test_the_file_stays_bounded_over_repeated_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 2_000)
    path = tmp_path / "t.jsonl"
    for _ in range(3):
        transcript = Transcript(path, Redactor(()))
        for number in range(50):
            transcript.note("n", number=number, text="x" * 50)
        transcript.close()
        transcript.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert path.stat().st_size < 2_500
    assert lines[-1]["event"] == "transcript_full"


def test_a_large_message_is_shortened_after_it_was_masked(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    transcript = Transcript(path, Redactor((SECRET,)))
    transcript.message("in", {"method": "m", "params": (SECRET + "x") * 50_000})
    transcript.close()
    (line,) = path.read_text().splitlines()
    assert len(line) < 400_000
    assert "s3cret" not in line
    assert json.loads(line)["chars"] > 400_000
