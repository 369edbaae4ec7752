"""The name in TLS's first message is read from what real clients send, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clients.egress.rig import client_hello

from keelway.clients.egress.hello import Hello, server_name

HELLO = client_hello("files.example.org")


@pytest.mark.parametrize("name", ["a.b", "files.example.org", "x" * 60 + ".example.org"])
def test_the_name_of_a_real_client_is_read(name: str) -> None:
    assert server_name(client_hello(name)) == name


def test_a_client_that_asks_for_no_name() -> None:
    assert server_name(client_hello(None)) == ""


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"SSH-2.0-x", b"\x16\x02\x01\x00\x05aaaaa", b"\x16\x03\x01\x00\x00", b"\x17\x03\x03\x00\x01a", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x16\x03\x01\xff\xff\x01"])  # fmt: skip
def test_other_things_are_no_hello(data: bytes) -> None:
    assert server_name(data) is Hello.OTHER


@given(st.integers(0, len(HELLO) - 1))
def test_a_part_is_known_to_be_a_part(length: int) -> None:
    assert server_name(HELLO[:length]) is Hello.PARTIAL


@given(st.integers(1, len(HELLO) - 6))
def test_a_hello_may_come_in_two_records(cut: int) -> None:
    body = HELLO[5:]
    records = [b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in (body[:cut], body[cut:])]
    assert server_name(b"".join(records)) == "files.example.org"


@given(st.integers(0, len(HELLO) - 1), st.integers(0, 255))
def test_a_bent_hello_breaks_nothing(place: int, value: int) -> None:
    bent = bytearray(HELLO)
    bent[place] = value
    assert isinstance(server_name(bytes(bent)), str)


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert isinstance(server_name(data), str)
    assert isinstance(server_name(b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + data), str)


def test_a_hello_without_end_is_not_waited_for() -> None:
    record = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(16_380)
    assert server_name(record) is Hello.OTHER
