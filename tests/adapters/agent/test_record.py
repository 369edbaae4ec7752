"""What a run leaves in writing, and what of it may be kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.agent.conftest import TASK, Stand

from keelway.clients.run import room
from keelway.core.errors import OurFault


def test_a_record_holds_no_secret_even_when_somebody_else_wrote_it(stand: Stand) -> None:
    stand.redact = ("s3cr3t-value",)
    agent = stand.agent({"do": "say", "text": "the key is s3cr3t-value"})
    effort = agent.work(stand.order())
    Path(effort.transcript).with_name("requests.jsonl").write_text('{"key": "s3cr3t-value"}\n')
    record = {each.name: each.text for each in agent.record(TASK, "dev", 1)}
    assert set(record) == {"transcript.jsonl", "requests.jsonl"}
    assert all("[redacted]" in text and "s3cr3t" not in text for text in record.values())


def test_of_a_long_text_the_beginning_and_the_end_are_kept(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = stand.agent({"do": "say", "text": "hello"})
    effort = agent.work(stand.order())
    monkeypatch.setattr(room, "_TEXT_BYTES_MAX", 1_000)
    Path(effort.transcript).write_bytes(b"first" + b"x" * 5_000 + b"last")
    text = agent.record(TASK, "dev", 1)[0].text
    assert (text[:5], text[-4:]) == ("first", "last")
    assert "... 4009 bytes left out ..." in text
    assert len(text) < 1_100


def test_a_link_is_not_followed_and_an_odd_name_is_refused(stand: Stand) -> None:
    agent = stand.agent({"do": "say", "text": "hello"})
    effort = agent.work(stand.order())
    other = stand.tmp_path / "passwords"
    other.write_text("root")
    Path(effort.transcript).unlink()
    Path(effort.transcript).symlink_to(other)
    assert agent.record(TASK, "dev", 1) == ()
    with pytest.raises(OurFault):
        agent.record("../..", "dev", 1)
