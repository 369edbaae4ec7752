"""The vendors' own SDKs work through the gateway, and give up at once when a budget is spent."""

from __future__ import annotations

import importlib
import time

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import events, whole
from tests.clients.gateway.rig import Rig

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
ASKED = [{"role": "user", "content": "What is two and two?"}]


def _lent(name: str):
    """Import an SDK when a test asks for it: the three take seconds, which every collector would spend."""
    return pytest.fixture(scope="module", name=name.rpartition(".")[2])(lambda: importlib.import_module(name))


_openai, _anthropic, _genai = _lent("openai"), _lent("anthropic"), _lent("google.genai")


@pytest.fixture
def chatting(rig: Rig, openai):
    opened = rig.open("openai")
    with openai.OpenAI(api_key=opened.token, base_url=f"{opened.url}/openai/v1") as client:
        yield rig, opened, client


def test_openai_chat(chatting) -> None:
    rig, opened, client = chatting
    whole_answer = client.chat.completions.create(model="gpt-5-mini", messages=ASKED)
    assert whole_answer.choices[0].message.content == speech.TEXT
    stream = client.chat.completions.create(model="gpt-5-mini", messages=ASKED, stream=True)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == speech.TEXT
    asked = {"include_usage": True}
    *_, last = client.chat.completions.create(
        model="gpt-5-mini", messages=ASKED, stream=True, stream_options=asked
    )
    assert last.usage.prompt_tokens == 1_000
    assert [model.id for model in client.models.list()] == ["gpt-5-mini"]
    assert rig.gateway.close(opened.token).input_tokens == 3_000


def test_openai_responses(chatting) -> None:
    rig, opened, client = chatting
    assert client.responses.create(model="gpt-5-mini", input="2+2?").output_text == speech.TEXT
    with client.responses.stream(model="gpt-5-mini", input="2+2?") as stream:
        kinds = [event.type for event in stream]
    assert kinds[-1] == "response.completed"
    assert rig.gateway.close(opened.token).output_tokens == 100


def test_openai_gives_up_on_a_spent_budget_at_once(rig: Rig, openai) -> None:
    opened = rig.open("openai", cost_usd_max=0.000_001)
    with openai.OpenAI(api_key=opened.token, base_url=f"{opened.url}/openai/v1", max_retries=5) as client:
        client.chat.completions.create(model="gpt-5-mini", messages=ASKED)
        began = time.monotonic()
        with pytest.raises(openai.APIStatusError, match="budget is spent") as found:
            client.chat.completions.create(model="gpt-5-mini", messages=ASKED)
        assert found.value.status_code == 402
        with pytest.raises(openai.APIStatusError, match="budget is spent"):
            client.responses.create(model="gpt-5-mini", input="2+2?")
        assert time.monotonic() - began < 1.0


def test_openai_sees_why_a_stream_was_cut(rig: Rig, openai) -> None:
    pieces = speech.chat_events(words=("x" * 400,) * 40, end=False)
    rig.provider.reply = lambda _: events(pieces, pause_seconds=0.005, hang=True)
    opened = rig.open("openai", cost_usd_max=0.001)
    with openai.OpenAI(api_key=opened.token, base_url=f"{opened.url}/openai/v1") as client:
        stream = client.chat.completions.create(model="gpt-5-mini", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError, match="budget is spent"):
            list(stream)
        pieces[:] = speech.response_events(words=("x" * 400,) * 40, end=False)
        opened = rig.open("openai", cost_usd_max=0.001)
    with openai.OpenAI(api_key=opened.token, base_url=f"{opened.url}/openai/v1") as client:
        *_, last = client.responses.create(model="gpt-5-mini", input="2+2?", stream=True)
        assert last.type == "response.failed"
        assert "budget is spent" in last.response.error.message


def test_openai_retries_what_the_provider_asks_to_and_pays_once(chatting) -> None:
    rig, opened, client = chatting
    trouble = [whole({"error": {"message": "later"}}, status=429, headers={"Retry-After": "0"})] * 2
    rig.provider.reply = lambda _: trouble.pop() if trouble else whole(speech.chat())
    client.chat.completions.create(model="gpt-5-mini", messages=ASKED)
    metered = rig.gateway.close(opened.token)
    assert (metered.requests, metered.input_tokens, metered.failure) == (3, 1_000, "")


def test_anthropic(rig: Rig, anthropic) -> None:
    opened = rig.open("anthropic")
    with anthropic.Anthropic(api_key=opened.token, base_url=f"{opened.url}/anthropic") as client:
        asked = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": ASKED}
        assert client.messages.create(**asked).content[0].text == speech.TEXT
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == speech.TEXT
            assert stream.get_final_message().usage.cache_read_input_tokens == 400
        counted = client.messages.count_tokens(model="claude-sonnet-4-5", messages=ASKED)
        assert counted.input_tokens == 12
    metered = rig.gateway.close(opened.token)
    assert (metered.requests, metered.input_tokens, metered.cached_tokens) == (2, 2_000, 800)
    assert rig.provider.came[0].headers["anthropic-version"]


def test_anthropic_with_a_bearer_token_gives_up_on_a_spent_budget(rig: Rig, anthropic) -> None:
    opened = rig.open("anthropic", cost_usd_max=0.000_001)
    with anthropic.Anthropic(
        auth_token=opened.token, api_key=None, base_url=f"{opened.url}/anthropic", max_retries=5
    ) as client:
        asked = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": ASKED}
        client.messages.create(**asked)
        began = time.monotonic()
        with pytest.raises(anthropic.APIStatusError, match="budget is spent") as found:
            client.messages.create(**asked)
        assert (found.value.status_code, found.value.body["error"]["type"]) == (402, "billing_error")
        assert time.monotonic() - began < 1.0


def test_gemini(rig: Rig, genai) -> None:
    opened = rig.open("gemini")
    options = genai.types.HttpOptions(base_url=f"{opened.url}/gemini")
    with genai.Client(api_key=opened.token, http_options=options) as client:
        asked = {"model": "gemini-2.5-pro", "contents": "2+2?"}
        assert client.models.generate_content(**asked).text == speech.TEXT
        pieces = list(client.models.generate_content_stream(**asked))
        assert "".join(piece.text for piece in pieces) == speech.TEXT
        assert client.models.count_tokens(**asked).total_tokens == 12
        rig.gateway.revoke("T-1")
        with pytest.raises(genai.errors.ClientError, match="stopped") as found:
            client.models.generate_content(**asked)
        assert found.value.code == 403
    metered = rig.gateway.close(opened.token)
    assert (metered.requests, metered.input_tokens, metered.output_tokens) == (2, 2_000, 100)
