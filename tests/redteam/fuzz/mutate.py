"""Make new inputs out of old ones, reproducibly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

SIZE_MAX = 4_096
REPEAT_MAX = 64_000
"""One input in five hundred repeats a piece until it is so long."""

_ODD = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"9" * 40,
    b"-1",
    b"%s",
    b"\xf4\x8f\xbf\xbf",
)


def mutated(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Return one input that is a few steps away from a seed."""
    data = random.choice(seeds)
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        data = random.choice(_STEPS)(random, data, words)[:SIZE_MAX]
    if random.random() < 1 / 500:
        return _repeated(random, data)
    return data if random.random() < 0.97 else data + random.choice(seeds)


def _flip(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    at = random.randrange(len(data))
    return data[:at] + bytes((data[at] ^ (1 << random.randrange(8)),)) + data[at + 1 :]


def _cut(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    begin, end = _span(random, data)
    return data[:begin] + data[end:]


def _twice(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    begin, end = _span(random, data)
    return data[:end] + data[begin:]


def _word(random: Random, data: bytes, words: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(words or _ODD) + data[at:]


def _odd(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    begin, end = _span(random, data)
    return data[:begin] + random.choice(_ODD) + data[end:]


def _noise(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    begin, end = _span(random, data)
    return data[:begin] + random.randbytes(min(end - begin, 20)) + data[end:]


def _head(random: Random, data: bytes, _words: Sequence[bytes]) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _repeated(random: Random, data: bytes) -> bytes:
    begin, end = _span(random, data)
    piece = data[begin : end + 1] or b"["
    return data[:begin] + piece * (REPEAT_MAX // len(piece)) + data[end:]


def _span(random: Random, data: bytes) -> tuple[int, int]:
    begin = random.randrange(len(data) + 1)
    return begin, min(len(data), begin + int(random.expovariate(1 / 12)))


_STEPS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip,
    _cut,
    _twice,
    _word,
    _word,
    _odd,
    _noise,
    _head,
)
