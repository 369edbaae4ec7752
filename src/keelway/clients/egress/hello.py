"""Read the name of the server from the first bytes of TLS, as far as it is said in the open."""

from __future__ import annotations

import struct
from enum import StrEnum

HELLO_BYTES_MAX = 64 * 1024
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD_HEAD, _RECORD_BYTES_MAX = 5, 16_384 + 256
_MAJOR_VERSION = 3


class Hello(StrEnum):
    """Say what the first bytes are, when they are no name."""

    PARTIAL = "partial"
    """More is needed."""
    OTHER = "other"
    """This is not the beginning of TLS."""


def server_name(data: bytes) -> Hello | str:
    """Return the name that a client's first message asks for; empty where it asks for none."""
    handshake = bytearray()
    rest = memoryview(data)
    while True:
        if len(rest) < _RECORD_HEAD:
            looks_right = bytes(rest[:2]) == bytes((_HANDSHAKE, _MAJOR_VERSION))[: len(rest)]
            return Hello.PARTIAL if looks_right else Hello.OTHER
        kind, major, _, length = struct.unpack_from(">BBBH", rest)
        if kind != _HANDSHAKE or major != _MAJOR_VERSION or not 0 < length <= _RECORD_BYTES_MAX:
            return Hello.OTHER
        handshake += rest[_RECORD_HEAD : _RECORD_HEAD + length]
        if handshake and handshake[0] != _CLIENT_HELLO:
            return Hello.OTHER
        wanted = int.from_bytes(handshake[1:4], "big") + 4
        if len(handshake) >= max(wanted, 4):
            return _name(bytes(handshake[4:wanted]))
        if wanted > HELLO_BYTES_MAX:
            return Hello.OTHER
        if len(rest) < _RECORD_HEAD + length:
            return Hello.PARTIAL
        rest = rest[_RECORD_HEAD + length :]


def _name(body: bytes) -> Hello | str:
    """Walk through a whole ClientHello (RFC 8446, 4.1.2) to the name (RFC 6066, 3)."""
    try:
        place = 2 + 32  # version, random
        place += 1 + body[place]  # session id
        place += 2 + _word(body, place)  # cipher suites
        place += 1 + body[place]  # compression
        if place == len(body):
            return ""
        end = place + 2 + _word(body, place)
        place += 2
        while place < end:
            kind, length = _word(body, place), _word(body, place + 2)
            if kind == _SERVER_NAME:
                return _first_host(body[place + 4 : place + 4 + length])
            place += 4 + length
    except (IndexError, struct.error):
        return Hello.OTHER
    return ""


def _first_host(names: bytes) -> Hello | str:
    length = _word(names, 3)
    if names[2] != _HOST_NAME or len(names) != 5 + length:  # one name, as every client sends it
        return Hello.OTHER
    return names[5:].decode("ascii", errors="replace")


def _word(data: bytes, place: int) -> int:
    return int(struct.unpack_from(">H", data, place)[0])
