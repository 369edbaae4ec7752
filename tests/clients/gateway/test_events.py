"""The reader at the side of a stream finds the same in it, whatever pieces it comes in."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clients.gateway import speech

from keelway.clients.gateway.dialects.events import Events, data_of
from keelway.clients.gateway.dialects.routes import CHAT, CONTENT, MESSAGES, RESPONSES
from keelway.clients.gateway.dialects.usage import Seen, prompt_tokens, text_bytes
from keelway.core.errors import TheirFault

STREAMS = {
    "openai-chat": (CHAT, b"".join(speech.chat_events())),
    "openai-responses": (RESPONSES, b"".join(speech.response_events())),
    "anthropic": (MESSAGES, b"".join(speech.message_events())),
    "gemini": (CONTENT, b"".join(speech.content_events())),
}


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


def _read(dialect, pieces: list[bytes]) -> tuple[Seen, bytes]:
    events, seen, out = Events(1_000_000), Seen(), b""
    for piece in pieces:
        for event in events.feed(piece):
            out += event
            data = data_of(event)
            if data.startswith(b"{"):
                dialect.read(seen, json.loads(data))
    return seen, out + events.rest()


@given(cuts=st.lists(st.integers(0, 100_000), max_size=60), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
@pytest.mark.parametrize("name", sorted(STREAMS))
def test_any_chunking_gives_the_same_usage_and_loses_no_byte(name: str, cuts: list[int], end: bytes) -> None:
    dialect, data = STREAMS[name]
    data = data.replace(b"\n", end)
    seen, out = _read(dialect, _cut(data, cuts))
    assert out == data
    assert (seen.input, seen.output, seen.cached, seen.done) == (1_000, 50, 400, True)
    assert seen.text_bytes == sum(len(word) for word in speech.WORDS)


@given(
    data=st.lists(st.sampled_from([b"\n", b"\r", b"data:", b" x", b"y", b": ping"])),
    cuts=st.lists(st.integers(0, 500)),
)
def test_any_bytes_are_parted_alike(data: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(data)

    def part(pieces: list[bytes]) -> list[bytes]:
        events = Events(10_000)
        return [*(event for piece in pieces for event in events.feed(piece)), events.rest()]

    assert part(_cut(whole, cuts)) == part([whole])


def test_an_event_is_bounded() -> None:
    events = Events(100)
    events.feed(b"data: " + b"x" * 90)
    with pytest.raises(TheirFault):
        events.feed(b"x" * 90)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"event: x\r\ndata:a\r\n\r\n", b"a"),
        (b": comment\n\n", b""),
        (b"data\n\n", b""),
    ],
)
def test_what_an_event_carries(event: bytes, data: bytes) -> None:
    assert data_of(event) == data


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            [
                "usage", "choices", "delta", "message", "response", "type", "error", "output", "input_tokens",
                "prompt_tokens", "completion_tokens", "output_tokens", "usageMetadata", "promptTokenCount",
                "candidates", "content", "cache_creation", "prompt_tokens_details", "cached_tokens", "model",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip
KINDS = st.sampled_from(["message", "message_start", "message_delta", "content_block_delta", "error", "x"])


@given(
    payload=st.dictionaries(
        st.sampled_from(
            [
                "usage",
                "choices",
                "response",
                "output",
                "message",
                "delta",
                "usageMetadata",
                "candidates",
                "error",
                "model",
            ]
        ),
        ODD,
    ),
    kind=KINDS,
)
@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, MESSAGES, CONTENT], ids=lambda dialect: dialect.name)
def test_nonsense_of_a_provider_is_survived_and_counts_no_less_than_nothing(
    dialect, payload: dict, kind: str
) -> None:
    seen = Seen()
    dialect.read(seen, payload | {"type": kind})
    tokens, _ = seen.tokens(10, whole=True)
    assert 0 <= tokens.cached <= tokens.input
    assert 0 <= tokens.output <= 1_000_000_000
    assert tokens.input > 0


def test_a_cut_stream_counts_at_least_what_was_said() -> None:
    seen = Seen(input=100, output=2, text_bytes=4_000)
    tokens, note = seen.tokens(7, whole=False)
    assert (tokens.input, tokens.output) == (100, 1_000)
    assert "output guessed" in note
    assert Seen(input=100, output=9_000, text_bytes=4).tokens(7, whole=False)[0].output == 9_000
    assert Seen(input=100, output=9, done=True).tokens(7, whole=False) == (
        seen.tokens(7, whole=False)[0].__class__(100, 9),
        "",
    )


def test_pictures_and_other_alphabets_are_weighed() -> None:
    assert text_bytes({"a": ["xx", {"b": "yyy"}], "c": 1}) == 5
    assert text_bytes("\u4f60\u597d") == 6
    assert text_bytes("\ud800") == 3
    assert text_bytes("data:image/png;base64," + "A" * 1_000_000) < 30_000
    assert prompt_tokens({"messages": [{"role": "user", "content": "x" * 4_000}]}) >= 1_000
