"""Who has no pass, or asks for what is not let through, gets an answer of its dialect and nothing else."""

from __future__ import annotations

import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import whole
from tests.clients.gateway.rig import PATHS, PROVIDER_OF, Rig, asking, call, connect, make_rig

from keelway.clients.gateway import line, server
from keelway.clients.gateway.values import GatewayLimits
from keelway.core.errors import OurFault, YourFault

CHAT = PATHS["openai-chat"]


def _message(answer) -> str:
    return answer.json["error"]["message"]


@pytest.mark.parametrize("dialect", sorted(PATHS))
@pytest.mark.parametrize(
    "token", ["", "sk-keelway-" + "0" * 64, "x" * 5_000, "é"], ids=["none", "wrong", "long", "odd"]
)
def test_a_token_that_opens_nothing(rig: Rig, dialect: str, token: str) -> None:
    opened = rig.open(PROVIDER_OF[dialect])
    shown = {"Authorization": f"Bearer {token}".encode().decode("latin-1")} if token else {}
    answer = call(opened, PATHS[dialect], asking(dialect), headers=shown)
    assert answer.status == 401
    error = answer.json["error"]
    assert "opens nothing" in error["message"]
    assert {"anthropic": error.get("type") == "authentication_error", "gemini": error.get("code") == 401}.get(
        dialect, error.get("code") == "keelway_unknown_token"
    )
    assert rig.provider.came == []


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer {}"}, ""),
        ({"authorization": "bearer {}"}, ""),
        ({"x-api-key": "{}"}, ""),
        ({"X-Goog-Api-Key": "{}"}, ""),
        ({}, "?key={}"),
        ({"x-api-key": "old", "Authorization": "Bearer {}"}, "?alt=x"),
    ],
)
def test_a_token_may_stand_wherever_a_key_does_and_never_goes_on(rig: Rig, headers: dict, query: str) -> None:
    opened = rig.open("anthropic")
    shown = {name: value.format(opened.token) for name, value in headers.items()}
    path = PATHS["anthropic"] + query.format(opened.token)
    assert call(opened, path, asking("anthropic"), headers=shown).status == 200
    (came,) = rig.provider.came
    assert opened.token not in str(came)
    assert "authorization" not in came.headers
    assert came.query == ("alt=x" if "alt" in query else "")


def test_a_socket_hears_its_own_pass_only(rig: Rig) -> None:
    mine, other = rig.open(task="T-1"), rig.open(task="T-2")
    wrong = {"Authorization": f"Bearer {other.token}"}
    assert call(mine, CHAT, asking("openai-chat"), headers=wrong, over_socket=True).status == 401
    assert call(mine, CHAT, asking("openai-chat"), over_socket=True).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/openai/v1/embeddings"),
        ("POST", "/openai/v1/files"),
        ("GET", "/openai/v1/chat/completions"),
        ("DELETE", "/openai/v1/models/gpt-5-mini"),
        ("POST", "/openai/v1/../v1/files"),
        ("POST", "/openai/v1/%63hat/completions/x"),
        ("POST", "/anthropic/v1/messages/batches"),
        ("POST", "/gemini/v1beta/models/gemini-2.5-pro:embedContent"),
        ("POST", "/gemini/v1beta/models/..%2F..%2Ffiles:generateContent"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/"),
    ],
)
def test_a_path_that_is_not_let_through(rig: Rig, method: str, path: str) -> None:
    opened = rig.open()
    answer = call(opened, path, {} if method == "POST" else None, method=method)
    assert answer.status == 404
    assert "Keelway" in _message(answer)
    assert rig.provider.came == []


def test_a_dialect_that_the_provider_does_not_speak(rig: Rig) -> None:
    opened = rig.open("chat-only")
    assert call(opened, CHAT, asking("openai-chat")).status == 200
    assert call(opened, PATHS["openai-responses"], asking("openai-responses")).status == 404
    answer = call(opened, PATHS["anthropic"], asking("anthropic"))
    assert (answer.status, answer.json["error"]["type"]) == (404, "not_found_error")
    assert call(opened, "/openai/v1/models", method="GET").status == 200


def test_a_model_that_was_not_granted(rig: Rig) -> None:
    opened = rig.open(models=("gpt-5-mini",))
    assert call(opened, CHAT, asking("openai-chat")).status == 200
    answer = call(opened, CHAT, asking("openai-chat") | {"model": "gpt-5-pro"})
    assert answer.status == 403
    assert "gpt-5-pro is not granted" in _message(answer)
    twice = b'{"model": "gpt-5-pro", "messages": [], "model": "gpt-5-mini"}'
    call(opened, CHAT, twice)
    assert rig.provider.came[-1].raw.count(b'"model"') == 1
    assert rig.provider.came[-1].body["model"] == "gpt-5-mini"
    others = asking("openai-chat") | {"models": ["gpt-5-pro"]}
    call(opened, CHAT, others)
    assert "models" not in rig.provider.came[-1].body
    gemini = rig.open("gemini", models=("gemini-2.5-flash",))
    assert call(gemini, PATHS["gemini"], asking("gemini")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"model": NaN}',
        b'{"model": 1}',
        b'{"messages": []}',
        b'{"model": ""}',
        b"\xff\xfe\x00",
        b"[" * 200_000,
    ],
    ids=["empty", "half", "list", "text", "nan", "number", "none", "blank", "bytes", "deep"],
)
def test_a_body_that_is_no_request(rig: Rig, body: bytes) -> None:
    opened = rig.open()
    answer = call(opened, CHAT, body)
    assert answer.status == 400
    assert _message(answer)
    assert rig.provider.came == []
    assert call(opened, CHAT, asking("openai-chat")).status == 200


def test_a_body_that_is_too_large(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(body_bytes_max=100_000))
    try:
        opened = rig.open("anthropic")
        large = asking("anthropic", text="x" * 200_000)
        assert call(opened, PATHS["anthropic"], large).json["error"]["type"] == "request_too_large"
        wire = connect(opened)
        pieces = iter([b'{"model": "m", "messages": "', *[b"x" * 50_000] * 4, b'"}'])
        headers = {"x-api-key": opened.token}
        wire.request("POST", PATHS["anthropic"], body=pieces, headers=headers, encode_chunked=True)
        answer = wire.getresponse()
        assert (answer.status, bool(answer.read())) == (413, True)
        wire.close()
        assert provider.came == []
        assert call(opened, PATHS["anthropic"], asking("anthropic")).status == 200
    finally:
        rig.gateway.stop()


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,"], ids=["lists", "tables", "numbers"])
def test_a_body_that_grows_when_it_is_read(rig: Rig, part: bytes) -> None:
    opened = rig.open()
    body = b'{"model": "gpt-5-mini", "messages": [' + part * 2_100_000 + b"1]}"
    answer = call(opened, CHAT, body)
    assert (answer.status, "too many parts" in _message(answer)) == (413, True)


def test_large_bodies_are_not_held_in_any_number(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(body_bytes_max=100_000))
    try:
        provider.reply = lambda _: whole(speech.chat(), pause_seconds=0.5)
        opened = rig.open()
        body = asking("openai-chat", text="x" * 60_000)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: call(opened, CHAT, body), range(6)))
        assert sorted(answer.status for answer in answers) == [200] * 3 + [429] * 3
        assert call(opened, CHAT, body).status == 200
    finally:
        rig.gateway.stop()


def test_a_body_comes_out_as_it_went_in(rig: Rig) -> None:
    opened = rig.open()
    text = '\u4f60\u597d \U0001f600 \ud800 \x00 " \\ /'
    body = asking("openai-chat", text=text) | {"temperature": 1e-7, "seed": 2**63, "none": None}
    call(opened, CHAT, body)
    assert rig.provider.came[0].body == body
    plain = asking("openai-chat", text="\u4f60" * 1_000)
    call(opened, CHAT, json.dumps(plain, ensure_ascii=False).encode())
    assert len(rig.provider.came[1].raw) <= len(json.dumps(plain, ensure_ascii=False).encode())


def test_a_client_that_says_nothing_is_dropped(tmp_path, provider, monkeypatch) -> None:
    monkeypatch.setattr(server, "_FIRST_REQUEST_SECONDS", 0.2)
    rig = make_rig(tmp_path, provider)
    try:
        opened = rig.open()
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(5)
            wire.connect(opened.socket)
            assert wire.recv(1) == b""
        wire = connect(opened)
        headers = {"Authorization": f"Bearer {opened.token}"}
        for _ in range(2):  # one that has asked may take its time
            wire.request("POST", CHAT, body=json.dumps(asking("openai-chat")), headers=headers)
            assert wire.getresponse().read()
            time.sleep(0.3)
        wire.close()
    finally:
        rig.gateway.stop()


def test_refusals_fill_no_log(rig: Rig, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(line, "_REFUSALS_MAX", 3)
    log = tmp_path / "requests.jsonl"
    opened = rig.open(log_path=str(log))
    for _ in range(5):
        call(opened, "/openai/v1/files", {})
    assert log.read_text().count("refused") == 3


def test_a_compressed_body_is_bounded_as_it_unfolds(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(body_bytes_max=1_000_000))
    try:
        opened = rig.open()
        shown = {"Authorization": f"Bearer {opened.token}", "Content-Encoding": "gzip"}
        fine = gzip.compress(json.dumps(asking("openai-chat")).encode())
        assert call(opened, CHAT, fine, headers=shown).status == 200
        assert "content-encoding" not in provider.came[0].headers
        bomb = gzip.compress(json.dumps(asking("openai-chat", text="x" * 20_000_000)).encode())
        assert call(opened, CHAT, bomb, headers=shown).status in {400, 413}
        assert len(provider.came) == 1
    finally:
        rig.gateway.stop()


def test_headers_are_bounded(rig: Rig) -> None:
    opened = rig.open()
    shown = {"Authorization": f"Bearer {opened.token}"}
    many = shown | {f"X-Some-{number}": "x" * 500 for number in range(80)}
    assert call(opened, CHAT, asking("openai-chat"), headers=many).status in {400, 431}
    large = shown | {"X-Some": "x" * 40_000}
    assert call(opened, CHAT, asking("openai-chat"), headers=large).status in {400, 431}
    assert rig.provider.came == []


def test_a_client_that_dawdles_is_let_go(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(body_seconds_max=0.3))
    try:
        opened = rig.open()
        wire = socket.create_connection(("127.0.0.1", int(opened.url.rpartition(":")[2])), timeout=10)
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {opened.token}\r\nContent-Length: 100\r\n\r\n"
        wire.sendall(head.encode() + b"{")
        assert b" 408 " in wire.recv(1_000)
        wire.close()
    finally:
        rig.gateway.stop()


def test_no_more_clients_than_the_bound_are_heard(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(connections_max=5))
    try:
        opened = rig.open()
        idle = []
        for _ in range(8):
            wire = socket.socket(socket.AF_UNIX)
            wire.settimeout(5)
            wire.connect(opened.socket)
            idle.append(wire)
        time.sleep(0.2)
        dropped = sum(1 for wire in idle if _is_dropped(wire))
        assert dropped == 3
        for wire in idle:
            wire.close()
    finally:
        rig.gateway.stop()


def _is_dropped(wire: socket.socket) -> bool:
    wire.setblocking(False)
    try:
        return wire.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_who_pays_is_not_the_clients_choice(rig: Rig) -> None:
    opened = rig.open()
    shown = {
        "Authorization": f"Bearer {opened.token}",
        "OpenAI-Organization": "org-other",
        "OpenAI-Project": "proj-other",
        "Cookie": "a=b",
        "X-Forwarded-For": "1.2.3.4",
        "Connection": "keep-alive, X-Own",
        "X-Own": "1",
        "X-Stainless-Lang": "python",
    }
    assert call(opened, CHAT, asking("openai-chat"), headers=shown).status == 200
    came = rig.provider.came[0].headers
    assert came["x-stainless-lang"] == "python"
    assert not {"openai-organization", "openai-project", "cookie", "x-forwarded-for", "x-own"} & came.keys()


def test_a_provider_that_is_not_configured(rig: Rig) -> None:
    with pytest.raises(YourFault, match="no_provider"):
        rig.open("acme")


def test_a_pass_is_good_once(rig: Rig) -> None:
    opened = rig.open()
    rig.gateway.close(opened.token)
    for look in (rig.gateway.look, rig.gateway.close):
        with pytest.raises(OurFault, match="pass_unknown"):
            look(opened.token)
    assert call(opened, CHAT, asking("openai-chat")).status == 401
