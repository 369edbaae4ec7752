"""Make the output of programs fit to be read: bounded, without terminal codes and machine paths."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_HEAD_CHARS, _TAIL_CHARS, _STDERR_CHARS = 2_000, 12_000, 4_000
_TERMINAL = re.compile(
    r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[\[(#][0-9;:?<=>!]*[ -/]*[@-~]?"  # colours and cursor moves
    r"|\x1b[@-Z\\-_]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def readable(stdout: bytes, stderr: bytes, tree: str) -> str:
    """Return the head and the tail of an output; complaints come first, the last word is the program's.

    Paths below ``tree``, the checkout, and beside it differ in each run, so they become relative.
    """
    said = [_cut(_plain(stderr, tree), _STDERR_CHARS // 2, _STDERR_CHARS // 2)]
    said.append(_cut(_plain(stdout, tree), _HEAD_CHARS, _TAIL_CHARS))
    return "\n".join(text for text in said if text)


def _plain(data: bytes, tree: str) -> str:
    text = _TERMINAL.sub("", data.decode("utf-8", "replace").replace("\r\n", "\n"))
    text = _CONTROL.sub("", text.replace("\r", "\n"))
    text = text.replace(f"{tree}/", "").replace(tree, ".")
    return text.replace(f"{PurePosixPath(tree).parent}/", "").strip()


def _cut(text: str, head: int, tail: int) -> str:
    if len(text) <= head + tail:
        return text
    return f"{text[:head]}\n[{len(text) - head - tail} characters left out]\n{text[-tail:]}"
