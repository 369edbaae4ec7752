"""Prove that the routing table refuses nonsense and shares requests exactly."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from keelway.programs.front.headers import onward_headers, returned_headers, writable
from keelway.programs.front.table import Backend, BadRoutes, Chooser, Routes, is_loopback, parse_routes

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True)
BACKENDS = st.dictionaries(
    NAMES,
    st.builds(
        lambda port, weight: {"url": f"http://127.0.0.1:{port}", "weight": weight},
        st.integers(1, 65535),
        st.integers(0, 100),
    ),
    max_size=8,
)


def table(**weights: int) -> Routes:
    return Routes(
        1, tuple(Backend(name, f"http://127.0.0.1:{n}", w) for n, (name, w) in enumerate(weights.items(), 1))
    )


@given(st.integers(0, 2**53), BACKENDS)
def test_a_table_survives_being_written_and_read(epoch, backends):
    routes = parse_routes({"epoch": epoch, "backends": backends})
    assert routes.to_json() == {"epoch": epoch, "backends": backends}
    assert parse_routes(routes.to_json()) == routes


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6), st.integers(0, 250))
def test_every_run_of_total_turns_is_exact(weights, skipped):
    chooser = Chooser(
        Routes(1, tuple(Backend(f"r{n}", "http://127.0.0.1:1", w) for n, w in enumerate(weights)))
    )
    total = sum(weights)
    if total == 0:
        assert chooser.choose() is None
        return
    for _ in range(skipped):
        chooser.choose()
    period = total if sum(w > 0 for w in weights) > 1 else max(weights)
    seen: Counter[str] = Counter()
    for _ in range((-skipped) % period):
        chooser.choose()
    for _ in range(period):
        chosen = chooser.choose()
        assert chosen is not None
        seen[chosen.release] += 1
    assert seen == {f"r{n}": w for n, w in enumerate(weights) if w}


def test_ninety_to_ten_is_spread_and_not_bunched():
    chooser = Chooser(table(stable=90, canary=10))
    names = [b.release for b in (chooser.choose() for _ in range(100)) if b]
    turns = [n for n, name in enumerate(names) if name == "canary"]
    assert len(turns) == 10
    assert all(later - earlier == 10 for earlier, later in itertools.pairwise(turns))


def test_a_release_at_weight_zero_is_known_but_never_chosen():
    chooser = Chooser(table(old=0, new=1))
    assert {b.release for b in (chooser.choose() for _ in range(20)) if b} == {"new"}
    assert chooser.open_releases() == ("new",)


GOOD = {"url": "http://127.0.0.1:9000", "weight": 1}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "body"),
        ({"backends": {}}, "epoch"),
        ({"epoch": -1, "backends": {}}, "epoch"),
        ({"epoch": True, "backends": {}}, "epoch"),
        ({"epoch": 1.0, "backends": {}}, "epoch"),
        ({"epoch": 1}, "backends"),
        ({"epoch": 1, "backends": []}, "backends"),
        ({"epoch": 1, "backends": {}, "more": 1}, "body.more"),
        ({"epoch": 1, "backends": {"a\r\nb": GOOD}}, "backends.a\r\nb"),
        ({"epoch": 1, "backends": {"": GOOD}}, "backends."),
        ({"epoch": 1, "backends": {"a": 1}}, "backends.a"),
        ({"epoch": 1, "backends": {"a": {**GOOD, "x": 1}}}, "backends.a.x"),
        ({"epoch": 1, "backends": {"a": {"weight": 1}}}, "backends.a.url"),
        ({"epoch": 1, "backends": {"a": {**GOOD, "weight": 101}}}, "backends.a.weight"),
        ({"epoch": 1, "backends": {"a": {**GOOD, "weight": "1"}}}, "backends.a.weight"),
        ({"epoch": 1, "backends": {f"r{n}": GOOD for n in range(33)}}, "backends"),
    ],
)
def test_a_bad_table_names_its_field(body, where):
    with pytest.raises(BadRoutes) as caught:
        parse_routes(body)
    assert caught.value.field == where


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:1",
        "http://10.0.0.1:80",
        "http://169.254.169.254:80",
        "http://example.org:80",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:80/path",
        "http://user@127.0.0.1:80",
        "http://127.0.0.1:80?x",
        "http://127.0.0.1:80#x",
        "http://127.0.0.1:8 0",
        "file:///etc/passwd",
        "http://[::1:80",
        7,
    ],
)
def test_only_plain_loopback_addresses_are_routed(url):
    with pytest.raises(BadRoutes) as caught:
        parse_routes({"epoch": 1, "backends": {"a": {"url": url, "weight": 1}}})
    assert caught.value.field == "backends.a.url"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80", "http://127.0.0.9:80/", "http://[::1]:80", "http://localhost:80"]
)
def test_loopback_addresses_are_taken(url):
    routes = parse_routes({"epoch": 1, "backends": {"a": {"url": url, "weight": 1}}})
    assert routes.backends[0].url == url.removesuffix("/")


@pytest.mark.parametrize(
    ("host", "yes"),
    [("localhost", True), ("127.1.2.3", True), ("::1", True), ("0.0.0.0", False), ("", False)],
)
def test_loopback_is_told_from_public(host, yes):
    assert is_loopback(host) is yes


def proxy(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


def onward(*pairs: tuple[str, str], trusted: bool = False) -> CIMultiDict[str]:
    return onward_headers(
        proxy(*pairs), peer="10.1.1.1", scheme="http", websocket=False, trusted_proxy=trusted
    )


def test_hop_by_hop_and_named_headers_stay_here():
    sent = onward(
        ("Host", "shop"), ("Connection", "keep-alive, X-Private, Host"), ("X-Private", "1"), ("TE", "trailers"),
        ("Upgrade", "h2c"), ("Proxy-Authorization", "x"), ("Keep-Alive", "5"), ("Trailer", "x"), ("Accept", "a"), ("Accept", "b"),
    )  # fmt: skip
    assert sorted(set(sent)) == ["Accept", "Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"]
    assert sent.getall("Accept") == ["a", "b"]
    assert sent["Host"] == sent["X-Forwarded-Host"] == "shop"


def test_a_client_cannot_pretend_where_it_comes_from():
    sent = onward(
        ("Host", "shop"), ("X-Forwarded-For", "6.6.6.6"), ("X_Forwarded_For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"), ("x-keelway-release", "fake"),
    )  # fmt: skip
    assert "6.6.6.6" not in str(list(sent.items()))
    assert sent["X-Forwarded-For"] == "10.1.1.1"
    assert sent["X-Forwarded-Proto"] == "http"
    assert sent["X-Forwarded-Host"] == "shop"
    assert "X-Keelway-Release" not in sent


def test_a_proxy_of_ours_is_believed_and_extended():
    sent = onward(
        ("Host", "in"), ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-Proto", "https"), trusted=True
    )
    assert sent["X-Forwarded-For"] == "9.9.9.9, 10.1.1.1"
    assert sent["X-Forwarded-Proto"] == "https"


def test_answers_lose_hop_by_hop_headers_and_gain_the_release():
    back = returned_headers(
        proxy(("Transfer-Encoding", "chunked"), ("Content-Length", "3"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
              ("X-Keelway-Release", "fake"), ("Connection", "close")), "v7",
    )  # fmt: skip
    assert list(back.items()) == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Keelway-Release", "v7")]


@given(st.binary(max_size=40))
def test_no_byte_of_a_header_value_is_lost(raw):
    value = raw.decode("utf-8", "surrogateescape")
    written = writable(value).encode("utf-8")
    assert written.decode("utf-8") == (value if _is_utf8(raw) else raw.decode("latin-1"))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
