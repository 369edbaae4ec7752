"""What is on the list is carried, everything else is refused, and both are written down."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest
from tests.clients.egress.rig import (
    Echo,
    Line,
    Pages,
    client_hello,
    has_ipv6,
    lines,
    names,
    open_files,
    proxy,
    served,
    until,
)

from keelway.clients.egress import Egress, EgressGrant, EgressLimits
from keelway.core.errors import OurFault, TheirFault, YourFault

HERE = ["127.0.0.1"]


def test_a_tunnel_carries_both_ways_and_counts(tmp_path: Path) -> None:
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}") as (egress, opened):
        with Line(opened) as line:
            status, head = line.connect(f"127.0.0.1:{port}")
            assert (status, "Connection established" in head) == (200, True)
            line.say(b"x" * 300_000)
            line.socket.shutdown(socket.SHUT_WR)
            assert line.rest() == b"x" * 300_000 + b"goodbye"
        until(lambda: len(lines(tmp_path / "egress.jsonl")) == 2)
        totals = egress.close(opened)
    assert (totals.allowed, totals.refused, totals.failed) == (1, 0, 0)
    assert (totals.up_bytes, totals.down_bytes, totals.hosts) == (300_000, 300_007, ("127.0.0.1",))
    decided, ended = lines(tmp_path / "egress.jsonl")
    assert (decided["event"], decided["host"], decided["port"], decided["allowed"]) == (
        "decided",
        "127.0.0.1",
        port,
        True,
    )
    assert (ended["event"], ended["up_bytes"], ended["down_bytes"], ended["reason"]) == (
        "ended",
        300_000,
        300_007,
        "closed",
    )
    assert ended["seconds"] > 0
    assert stat.S_IMODE((tmp_path / "egress.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("other.test:443", "not on the list of this task"),
        ("good.test.evil.test:443", "not on the list of this task"),
        ("good.test:22", "port 22"),
        ("169.254.169.254:80", "not on the list of this task"),
        ("0x7f.1:80", "not written as a host"),
    ],
)
def test_what_is_not_on_the_list_is_refused_in_clear_words(tmp_path: Path, place: str, reason: str) -> None:
    with proxy(tmp_path, "good.test") as (egress, opened), Line(opened) as line:
        status, head = line.connect(place)
        body = line.rest().decode()
        assert status == 403
        assert reason in head.splitlines()[0]
        assert place in body
        assert reason in body
        assert "[sandbox] egress" in body
        totals = egress.look(opened)
    assert (totals.allowed, totals.refused, totals.refused_hosts) == (0, 1, (place.rpartition(":")[0],))
    (line_,) = lines(tmp_path / "egress.jsonl")
    assert (line_["allowed"], reason in line_["reason"]) == (False, True)


def test_nothing_is_reached_without_a_list(tmp_path: Path) -> None:
    with served(Echo) as port, proxy(tmp_path) as (_, opened), Line(opened) as line:
        assert line.connect(f"127.0.0.1:{port}")[0] == 403


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%lo"]
)
def test_a_listed_name_does_not_lead_to_this_machine_or_its_network(tmp_path: Path, address: str) -> None:
    resolve = names(good_test=[address])
    with proxy(tmp_path, "good.test", resolve=resolve) as (egress, opened), Line(opened) as line:
        status, head = line.connect("good.test:443")
        assert status == 403
        assert "no public address" in head or "no address" in head
        assert egress.look(opened).refused == 1


def test_only_the_good_ones_of_several_addresses_are_tried(tmp_path: Path) -> None:
    with served(Echo) as port:
        hosts = (f"good.test:{port}", f"127.0.0.1:{port}")
        resolve = names(good_test=["10.0.0.1", "::1", "127.0.0.1"])
        with proxy(tmp_path, *hosts, resolve=resolve) as (_, opened), Line(opened) as line:
            assert line.connect(f"GOOD.test.:{port}")[0] == 200
    assert lines(tmp_path / "egress.jsonl")[0]["address"] == "127.0.0.1"


def test_a_name_that_changes_its_address_is_not_asked_twice(tmp_path: Path) -> None:
    """The address that was judged is the one that is connected to."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with served(Echo) as port:
        hosts = (f"good.test:{port}", f"127.0.0.1:{port}")
        with proxy(tmp_path, *hosts, resolve=resolve) as (_, opened):
            with Line(opened) as first:
                assert first.connect(f"good.test:{port}")[0] == 200
            with Line(opened) as second:
                assert second.connect(f"good.test:{port}")[0] == 403
    assert asked == [("good.test", port)] * 2


def test_a_real_name_is_resolved_here(tmp_path: Path) -> None:
    with (
        served(Echo) as port,
        proxy(tmp_path, f"localhost:{port}", f"127.0.0.1:{port}") as (_, opened),
        Line(opened) as line,
    ):
        assert line.connect(f"localhost:{port}")[0] == 200


def test_a_name_that_does_not_resolve_and_a_host_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    hosts = ("gone.test", f"127.0.0.1:{port}")
    with proxy(tmp_path, *hosts, resolve=names(**{"127_0_0_1": HERE})) as (egress, opened):
        for place in ("gone.test:443", f"127.0.0.1:{port}"):
            with Line(opened) as line:
                assert line.connect(place)[0] == 502
        assert egress.look(opened).failed == 2
    assert [line["allowed"] for line in lines(tmp_path / "egress.jsonl")] == [True, True]


def test_a_slow_resolver_is_not_waited_for(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        import asyncio

        await asyncio.sleep(60)
        return []

    limits = EgressLimits(resolve_seconds=0.1)
    with proxy(tmp_path, "good.test", resolve=resolve, limits=limits) as (_, opened), Line(opened) as line:
        assert line.connect("good.test:443")[0] == 502


@pytest.mark.parametrize("framing", ["length", "chunked", "nothing", "HEAD"])
def test_plain_http_is_forwarded(tmp_path: Path, framing: str) -> None:
    with (
        served(Pages) as port,
        proxy(tmp_path, f"127.0.0.1:{port}") as (egress, opened),
        Line(opened) as line,
    ):
        body = {
            "length": "Content-Length: 5\r\n\r\nhello",
            "chunked": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        }
        method = "HEAD" if framing == "HEAD" else "POST" if framing in body else "GET"
        line.say(
            f"{method} http://127.0.0.1:{port}/a/b?c=d HTTP/1.1\r\nHost: evil.test\r\nConnection: keep-alive, X-Mine\r\n"
            f"X-Mine: 1\r\nX-Yours: 2\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n"
            + body.get(framing, "\r\n")
        )
        status, head = line.head()
        text = line.rest()
        assert status == 200
        assert "Keep-Alive" not in head
        assert "connection: close" in head.lower()
        if framing == "HEAD":
            assert text == b""
            return
        told = json.loads(text)
        assert (told["method"], told["path"], told["body"]) == (
            method,
            "/a/b?c=d",
            "hello" if framing in body else "",
        )
        assert told["headers"]["host"] == f"127.0.0.1:{port}"
        assert told["headers"]["x-yours"] == "2"
        assert not {"x-mine", "proxy-authorization", "proxy-connection"} & set(told["headers"])
        until(lambda: len(lines(tmp_path / "egress.jsonl")) == 2)
        ended = lines(tmp_path / "egress.jsonl")[1]
        assert ended["up_bytes"] > 50
        assert ended["down_bytes"] > len(text)
        assert egress.look(opened).down_bytes == ended["down_bytes"]


def test_a_client_that_waits_for_a_word_gets_it(tmp_path: Path) -> None:
    with served(Pages) as port, proxy(tmp_path, f"127.0.0.1:{port}") as (_, opened), Line(opened) as line:
        line.say(
            f"POST http://127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert line.head()[0] == 100
        line.say("hi")
        assert line.head()[0] == 200
        told = json.loads(line.rest())
        assert (told["body"], told["path"], "expect" in told["headers"]) == ("hi", "/", False)


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/1.1",
        "GET https://good.test/ HTTP/1.1",
        "GET ftp://good.test/ HTTP/1.1",
        "GET http://user:word@good.test/ HTTP/1.1",
        "GET http://good.test\\@evil.test/ HTTP/1.1",
        "GET http://good.test:0/ HTTP/1.1",
        "GET http://good.test:99999/ HTTP/1.1",
        "CONNECT good.test HTTP/1.1",
        "CONNECT http://good.test:443 HTTP/1.1",
        "CONNECT good.test:443/ HTTP/1.1",
        "CONNECT a@good.test:443 HTTP/1.1",
        "NONSENSE",
        "CONNECT good.test:443 HTTP/1.1\r\nContent-Length: 3",
        "POST http://good.test/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    ],
)
def test_what_is_not_meant_for_a_proxy_is_refused(tmp_path: Path, request_line: str) -> None:
    with (
        proxy(tmp_path, "good.test", resolve=names(good_test=HERE)) as (egress, opened),
        Line(opened) as line,
    ):
        line.say(f"{request_line}\r\nHost: good.test\r\n\r\n")
        assert line.head()[0] == 400
        assert egress.look(opened).allowed == 0


def test_a_head_without_end_and_a_head_that_does_not_come(tmp_path: Path) -> None:
    limits = EgressLimits(head_seconds=0.3)
    with proxy(tmp_path, "good.test", limits=limits) as (_, opened):
        with Line(opened) as line:
            line.say("GET http://good.test/ HTTP/1.1\r\nX: " + "x" * 20_000)
            assert line.head()[0] == 431
        with Line(opened) as line:
            line.say("GET http://good")
            assert line.head()[0] == 408
        with Line(opened) as line:
            line.socket.shutdown(socket.SHUT_WR)
            assert line.rest() == b""


def test_a_loopback_port_wants_the_token_of_its_run(tmp_path: Path) -> None:
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", loopback=True) as (egress, opened):
        other = egress.open(EgressGrant((), str(tmp_path / "other.jsonl"), loopback=True))
        quiet = egress.open(EgressGrant((f"127.0.0.1:{port}",), str(tmp_path / "quiet.jsonl")))
        assert other.url == opened.url
        assert (quiet.url, quiet.proxy, quiet.token) == ("", "", "")

        def shown(word: str) -> str:
            return f"Proxy-Authorization: Basic {base64.b64encode(word.encode()).decode()}\r\n"

        for more, status in (
            ("", 407),
            ("Proxy-Authorization: Bearer x\r\n", 407),
            ("Proxy-Authorization: Basic %%%\r\n", 407),
            (shown("keelway:wrong"), 407),
            (shown("keelway:"), 407),
            (shown(f"keelway:{other.token}"), 403),
            (shown(f"keelway:{opened.token}"), 200),
        ):
            with Line(opened, loopback=True) as line:
                found, head = line.connect(f"127.0.0.1:{port}", more)
                assert found == status, more
                assert ("Proxy-Authenticate: Basic" in head) == (status == 407)
        assert opened.proxy == opened.url.replace("http://", f"http://keelway:{opened.token}@")
        egress.close(opened)
        with Line(other, loopback=True) as line:
            assert line.connect(f"127.0.0.1:{port}", shown(f"keelway:{opened.token}"))[0] == 407


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    with proxy(tmp_path, loopback=True) as (_, opened):
        assert opened.token not in repr(opened)


def test_a_void_pass_ends_what_it_began(tmp_path: Path) -> None:
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", loopback=True) as (egress, opened):
        word = base64.b64encode(f"x:{opened.token}".encode()).decode()
        with Line(opened) as line, Line(opened, loopback=True) as other:
            assert line.connect(f"127.0.0.1:{port}")[0] == 200
            assert other.connect(f"127.0.0.1:{port}", f"Proxy-Authorization: Basic {word}\r\n")[0] == 200
            began = time.monotonic()
            totals = egress.close(opened)
            assert line.rest() == other.rest() == b""
            assert time.monotonic() - began < 2
        assert totals.allowed == 2
        assert egress.close(opened) == egress.look(opened) == totals
        assert not Path(opened.socket).parent.exists()
        assert [line["reason"] for line in lines(tmp_path / "egress.jsonl") if line["event"] == "ended"] == [
            "revoked"
        ] * 2
        again = egress.open(EgressGrant((), str(tmp_path / "again.jsonl")))
        assert Path(again.socket).exists()


def test_after_the_stop_nothing_is_left_and_nothing_opens(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    egress = Egress(tmp_path / "e")
    assert set(threading.enumerate()) == before, "nothing runs before the first grant"
    egress.open(EgressGrant(("pypi",), str(tmp_path / "a.jsonl"), loopback=True))
    egress.stop()
    egress.stop()
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"egress-resolve_0"}
    assert list((tmp_path / "e").iterdir()) == []
    with pytest.raises(OurFault):
        egress.open(EgressGrant((), str(tmp_path / "a.jsonl")))


def test_the_sockets_of_an_earlier_life_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "e" / "0123456789ab"
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "egress.sock"))
    os.utime(folder / "egress.sock", (0, 0))  # a young one may be about to be listened at
    with proxy(tmp_path):
        assert not folder.exists()
        with proxy(tmp_path):
            pass


def test_the_socket_is_for_one_user(tmp_path: Path) -> None:
    with proxy(tmp_path, uid=54_321) as (_, opened):
        facts = Path(opened.socket).stat()
        assert stat.S_IMODE(facts.st_mode) == 0o600
        assert facts.st_uid == (54_321 if os.geteuid() == 0 else os.geteuid())


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    egress = Egress(tmp_path / ("x" * 100))
    with pytest.raises(YourFault) as refused:
        egress.open(EgressGrant((), str(tmp_path / "a.jsonl")))
    assert refused.value.code == "socket_path_too_long"
    with pytest.raises(YourFault):
        egress.open(EgressGrant(("*",), str(tmp_path / "a.jsonl")))
    with pytest.raises(TheirFault) as unwritable:
        egress.open(EgressGrant((), str(tmp_path / "no folder" / "a.jsonl")))
    assert unwritable.value.code == "egress_log_unwritable"
    egress.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full")
def test_nothing_passes_that_cannot_be_written_down(tmp_path: Path) -> None:
    with served(Echo) as port:
        egress = Egress(tmp_path / "e")
        opened = egress.open(EgressGrant((f"127.0.0.1:{port}",), "/dev/full"))
        with Line(opened) as line:
            status, head = line.connect(f"127.0.0.1:{port}")
            assert (status, "written down" in head) == (503, True)
        egress.stop()


def test_connections_are_bounded(tmp_path: Path) -> None:
    limits = EgressLimits(connections_max=2)
    with (
        served(Echo) as port,
        proxy(tmp_path, f"127.0.0.1:{port}", limits=limits, loopback=True) as (_, opened),
        Line(opened) as first,
        Line(opened) as second,
        Line(opened) as third,
        Line(opened, loopback=True) as fourth,
    ):
        assert first.connect(f"127.0.0.1:{port}")[0] == 200
        assert second.connect(f"127.0.0.1:{port}")[0] == 200
        assert third.head()[0] == 503
        word = base64.b64encode(f"x:{opened.token}".encode()).decode()
        assert fourth.connect(f"127.0.0.1:{port}", f"Proxy-Authorization: Basic {word}\r\n")[0] == 503
        first.close()
        until(lambda: _status(opened, f"127.0.0.1:{port}") == 200)


def _status(opened, place: str) -> int:
    with Line(opened) as line:
        return line.connect(place)[0]


def test_a_crowd_of_connections_hurts_nobody(tmp_path: Path) -> None:
    limits = EgressLimits(connections_max=4)
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (egress, opened):
        neighbour = egress.open(EgressGrant((f"127.0.0.1:{port}",), str(tmp_path / "n.jsonl")))
        with contextlib.ExitStack() as crowd:
            for _ in range(150):
                crowd.enter_context(Line(opened))
            assert _status(neighbour, f"127.0.0.1:{port}") == 200


@pytest.mark.parametrize("limits", [EgressLimits(idle_seconds=0.3), EgressLimits(life_seconds=0.3)])
def test_silence_and_length_are_bounded(tmp_path: Path, limits: EgressLimits) -> None:
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (_, opened):
        with Line(opened) as line:
            line.connect(f"127.0.0.1:{port}")
            began = time.monotonic()
            assert line.rest() == b""
            assert time.monotonic() - began < 10
        until(lambda: "too long" in lines(tmp_path / "egress.jsonl")[-1]["reason"])


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    class Flood(Echo):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.request.sendall(b"x" * 262_144)

    limits = EgressLimits(idle_seconds=0.3)
    with served(Flood) as port, proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (_, opened):
        before = open_files()
        with Line(opened) as line:
            line.connect(f"127.0.0.1:{port}")
            until(lambda: "too long" in lines(tmp_path / "egress.jsonl")[-1]["reason"])
            until(lambda: open_files() == before + 1)  # nothing but our own end is left


def test_what_leaves_is_bounded_for_the_whole_run(tmp_path: Path) -> None:
    limits = EgressLimits(up_bytes_max=100_000)
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (egress, opened):
        for count in (60_000, 60_000):
            with Line(opened) as line:
                assert line.connect(f"127.0.0.1:{port}")[0] == 200
                line.say(b"x" * count)
                line.socket.shutdown(socket.SHUT_WR)
                line.rest()
        assert egress.look(opened).up_bytes <= 100_000
        until(lambda: "the most" in lines(tmp_path / "egress.jsonl")[-1]["reason"])


def test_what_comes_is_bounded_for_the_whole_run(tmp_path: Path) -> None:
    limits = EgressLimits(down_bytes_max=100_000)
    with served(Echo) as port, proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (egress, opened):
        with Line(opened) as line:
            line.connect(f"127.0.0.1:{port}")
            line.say(b"x" * 150_000)
            line.socket.shutdown(socket.SHUT_WR)
            assert len(line.rest()) <= 100_000
        with Line(opened) as line:
            status, head = line.connect(f"127.0.0.1:{port}")
            assert (status, "the most" in head) == (403, True)
        assert egress.look(opened).down_bytes < 250_000


def test_decisions_are_bounded_and_so_is_the_record(tmp_path: Path) -> None:
    with proxy(tmp_path, limits=EgressLimits(decisions_max=5, names_max=2)) as (egress, opened):
        found = [_status(opened, f"host{number}.test:443") for number in range(8)]
        totals = egress.look(opened)
    assert found == [403] * 5 + [429] * 3
    assert (totals.refused, totals.refused_hosts) == (8, ("host0.test", "host1.test"))
    assert len(lines(tmp_path / "egress.jsonl")) == 5


@pytest.mark.parametrize(
    ("first", "allowed"),
    [
        (client_hello("good.test"), True),
        (client_hello(None), True),
        (client_hello("evil.test"), False),
    ],
)
def test_tls_is_held_to_the_host_that_was_asked_for(tmp_path: Path, first: bytes, allowed: bool) -> None:
    with served(Echo) as port:
        hosts = (f"good.test:{port}", f"127.0.0.1:{port}")
        with proxy(tmp_path, *hosts, resolve=names(good_test=HERE)) as (egress, opened), Line(opened) as line:
            assert line.connect(f"good.test:{port}")[0] == 200
            line.say(first[:50])
            time.sleep(0.05)
            line.say(first[50:])
            line.socket.shutdown(socket.SHUT_WR)
            answer = line.rest()
            assert answer == (first + b"goodbye" if allowed else bytes((21, 3, 3, 0, 2, 2, 112)))
            assert egress.look(opened).up_bytes == (len(first) if allowed else 0)
        if not allowed:
            assert "evil.test" in lines(tmp_path / "egress.jsonl")[-1]["reason"]


def test_names_in_tls_need_not_be_looked_at(tmp_path: Path) -> None:
    limits = EgressLimits(tls_names=False)
    with served(Echo) as port:
        hosts = (f"good.test:{port}", f"127.0.0.1:{port}")
        opening = proxy(tmp_path, *hosts, resolve=names(good_test=HERE), limits=limits)
        with opening as (_, opened), Line(opened) as line:
            line.connect(f"good.test:{port}")
            line.say(client_hello("evil.test"))
            line.socket.shutdown(socket.SHUT_WR)
            assert line.rest().endswith(b"goodbye")


def test_a_server_that_speaks_first_is_heard(tmp_path: Path) -> None:
    class Greeter(Echo):
        def handle(self) -> None:
            self.request.sendall(b"welcome")
            super().handle()

    with served(Greeter) as port, proxy(tmp_path, f"127.0.0.1:{port}") as (_, opened), Line(opened) as line:
        line.connect(f"127.0.0.1:{port}")
        assert line.socket.recv(7) == b"welcome"
        line.say(b"\x16half")
        line.socket.shutdown(socket.SHUT_WR)
        assert line.rest() == b"\x16halfgoodbye"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on loopback")
def test_ipv6_is_spoken(tmp_path: Path) -> None:
    with (
        served(Pages, socket.AF_INET6) as port,
        proxy(tmp_path, f"[::1]:{port}") as (_, opened),
        Line(opened) as line,
    ):
        status, _, text = line.get(f"http://[::1]:{port}/x")
        assert (status, json.loads(text)["headers"]["host"]) == (200, f"[::1]:{port}")


def test_a_host_that_says_no_http_or_nothing_at_all(tmp_path: Path) -> None:
    class Liar(Echo):
        def handle(self) -> None:
            self.request.recv(100)
            self.request.sendall(b"this is no HTTP\r\n\r\n")

    class Mute(Echo):
        def handle(self) -> None:
            while self.request.recv(100):
                pass

    limits = EgressLimits(idle_seconds=0.3)
    for kind in (Liar, Mute):
        with (
            served(kind) as port,
            proxy(tmp_path, f"127.0.0.1:{port}", limits=limits) as (_, opened),
            Line(opened) as line,
        ):
            status, head, _ = line.get(f"http://127.0.0.1:{port}/")
            assert (status, "did not answer" in head) == (502, True)


def test_many_at_once(tmp_path: Path) -> None:
    with served(Pages) as port, proxy(tmp_path, f"127.0.0.1:{port}") as (egress, opened):
        found: list[int] = []

        def ask() -> None:
            with Line(opened) as line:
                found.append(line.get(f"http://127.0.0.1:{port}/")[0])

        threads = [threading.Thread(target=ask) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [200] * 30
        until(lambda: len(lines(tmp_path / "egress.jsonl")) == 60)
        assert egress.close(opened).allowed == 30
