"""Each dialect, whole and as a stream: passed on unchanged, metered to the token, priced, booked once."""

from __future__ import annotations

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import KEY, events, whole
from tests.clients.gateway.rig import MODELS, PATHS, PROVIDER_OF, STREAM_PATHS, Rig, asking, call, make_rig

DIALECTS = sorted(PATHS)
COST = {
    # 600 fresh, 400 cached and 50 said tokens, in US dollars a million
    "openai-chat": (600 * 0.25 + 400 * 0.025 + 50 * 2.0) / 1e6,
    "openai-responses": (600 * 0.25 + 400 * 0.025 + 50 * 2.0) / 1e6,
    "anthropic": (600 * 3.0 + 400 * 0.3 + 50 * 15.0) / 1e6,
    "gemini": (600 * 1.25 + 400 * 0.125 + 50 * 10.0) / 1e6,
}


@pytest.mark.parametrize("over_socket", [False, True], ids=["port", "socket"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_answer_is_passed_on_and_metered(rig: Rig, dialect: str, over_socket: bool) -> None:
    opened = rig.open(PROVIDER_OF[dialect])
    answer = call(opened, PATHS[dialect], asking(dialect), over_socket=over_socket)
    assert answer.status == 200
    assert (
        answer.json
        == {
            "openai-chat": speech.chat(),
            "openai-responses": speech.response(),
            "anthropic": speech.message(),
            "gemini": speech.content(),
        }[dialect]
    )
    _is_metered(rig, opened, dialect)


@pytest.mark.parametrize("over_socket", [False, True], ids=["port", "socket"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_is_passed_on_and_metered(rig: Rig, dialect: str, over_socket: bool) -> None:
    opened = rig.open(PROVIDER_OF[dialect])
    answer = call(opened, STREAM_PATHS[dialect], asking(dialect, stream=True), over_socket=over_socket)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    said = {
        "openai-chat": b"".join(event for event in speech.chat_events() if b'"usage"' not in event),
        "openai-responses": b"".join(speech.response_events()),
        "anthropic": b"".join(speech.message_events()),
        "gemini": b"".join(speech.content_events()),
    }
    assert answer.body == said[dialect]
    _is_metered(rig, opened, dialect)


def _is_metered(rig: Rig, opened, dialect: str) -> None:
    metered = rig.gateway.close(opened.token)
    assert (metered.input_tokens, metered.output_tokens, metered.cached_tokens) == (1_000, 50, 400)
    assert metered.cost_usd == pytest.approx(COST[dialect])
    assert (metered.requests, metered.refused, metered.failure) == (1, "", "")
    (entry,) = rig.booked
    assert (entry.task, entry.role, entry.attempt, entry.agent) == ("T-1", "dev", 1, "opencode")
    assert (entry.provider, entry.model) == (PROVIDER_OF[dialect], MODELS[dialect])
    assert (entry.input_tokens, entry.output_tokens, entry.cached_tokens) == (1_000, 50, 400)
    assert entry.cost_usd == pytest.approx(COST[dialect])
    assert (entry.estimated, entry.note, entry.status) == (False, "", 200)
    (came,) = rig.provider.came
    assert opened.token not in str(came)
    real = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(dialect, "authorization")
    assert came.headers[real] == (f"Bearer {KEY}" if real == "authorization" else KEY)


def test_a_stream_without_event_form_is_passed_on_as_it_comes(rig: Rig) -> None:
    opened = rig.open("gemini")
    answer = call(opened, STREAM_PATHS["gemini"].partition("?")[0], asking("gemini"))
    assert answer.json == speech.content_pieces()
    _is_metered(rig, opened, "gemini")


def test_who_asks_for_the_usage_of_a_chat_stream_gets_it(rig: Rig) -> None:
    opened = rig.open()
    body = asking("openai-chat", stream=True) | {"stream_options": {"include_usage": True}}
    answer = call(opened, PATHS["openai-chat"], body)
    assert answer.body == b"".join(speech.chat_events())


def test_a_provider_that_knows_no_usage_option_is_not_sent_it(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, stream_usage=False)
    try:
        opened = rig.open()
        call(opened, PATHS["openai-chat"], asking("openai-chat", stream=True))
        assert "stream_options" not in provider.came[0].body
        rig.gateway.close(opened.token)
        assert rig.booked[0].estimated
    finally:
        rig.gateway.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_without_usage_is_estimated_and_says_so(rig: Rig, dialect: str, stream: bool) -> None:
    silent = {
        "openai-chat": (speech.chat, speech.chat_events),
        "openai-responses": (speech.response, speech.response_events),
        "anthropic": (speech.message, speech.message_events),
        "gemini": (speech.content, speech.content_events),
    }[dialect][stream]
    words = ("x" * 400,)
    rig.provider.reply = lambda _: (
        events(silent(None, words=words)) if stream else whole(silent(None, words=words))
    )
    opened = rig.open(PROVIDER_OF[dialect])
    text = "y" * 800
    call(opened, (STREAM_PATHS if stream else PATHS)[dialect], asking(dialect, stream=stream, text=text))
    metered = rig.gateway.close(opened.token)
    assert 200 <= metered.input_tokens < 230
    assert 100 <= metered.output_tokens < 115
    assert metered.cost_usd > 0
    assert rig.booked[0].estimated
    assert "guessed" in rig.booked[0].note


def test_what_costs_nothing_is_passed_on_and_not_booked(rig: Rig) -> None:
    opened = rig.open("openai")
    assert call(opened, "/openai/v1/models", method="GET").json["data"][0]["id"] == "gpt-5-mini"
    assert call(opened, "/openai/v1/responses/input_tokens", {"input": "x"}).status == 200
    claude = rig.open("anthropic")
    counting = asking("anthropic")
    assert call(claude, "/anthropic/v1/messages/count_tokens", counting).json["input_tokens"] == 12
    gemini = rig.open("gemini")
    path = "/gemini/v1beta/models/gemini-2.5-pro:countTokens"
    assert call(gemini, path, asking("gemini")).json["totalTokens"] == 12
    for each in (opened, claude, gemini):
        assert rig.gateway.close(each.token).requests == 0
    assert rig.booked == []


def test_tools_that_run_at_the_provider_are_taken_out(rig: Rig, tmp_path) -> None:
    own = {"type": "function", "name": "edit", "parameters": {}}
    log = tmp_path / "requests.jsonl"
    opened = rig.open("openai", log_path=str(log))
    tools = [own, {"type": "web_search"}, {"type": "mcp", "server_url": "https://example.org"}]
    call(opened, PATHS["openai-responses"], asking("openai-responses") | {"tools": tools})
    assert rig.provider.came[-1].body["tools"] == [own]
    assert '"removed": ["web_search", "mcp"]' in log.read_text()
    only = {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}
    call(opened, PATHS["openai-responses"], asking("openai-responses") | only)
    assert not {"tools", "tool_choice"} & rig.provider.came[-1].body.keys()
    claude = rig.open("anthropic")
    mine = [{"name": "edit", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}]
    tools = [*mine, {"type": "web_fetch_20250910", "name": "web_fetch"}]
    body = asking("anthropic") | {"tools": tools, "mcp_servers": [{"url": "https://example.org"}]}
    call(claude, PATHS["anthropic"], body)
    assert rig.provider.came[-1].body["tools"] == mine
    assert "mcp_servers" not in rig.provider.came[-1].body
    gemini = rig.open("gemini")
    declared = {"functionDeclarations": [{"name": "edit"}]}
    call(
        gemini,
        PATHS["gemini"],
        asking("gemini") | {"tools": [declared | {"googleSearch": {}}, {"urlContext": {}}]},
    )
    assert rig.provider.came[-1].body["tools"] == [declared]
    call(gemini, PATHS["gemini"], asking("gemini") | {"tools": [{"googleSearch": {}}], "toolConfig": {}})
    assert not {"tools", "toolConfig"} & rig.provider.came[-1].body.keys()


@pytest.mark.parametrize("model", ["openai/gpt-5:online", "gpt-4o-search-preview"])
def test_a_model_that_searches_by_itself_is_refused(rig: Rig, model: str) -> None:
    opened = rig.open("openai")
    assert call(opened, PATHS["openai-chat"], asking("openai-chat") | {"model": model}).status == 400
    assert rig.provider.came == []


def test_a_response_in_the_background_is_refused(rig: Rig) -> None:
    opened = rig.open("openai")
    answer = call(opened, PATHS["openai-responses"], asking("openai-responses") | {"background": True})
    assert answer.status == 400
    assert rig.provider.came == []
