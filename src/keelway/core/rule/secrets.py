"""Find credentials in added lines by their published shapes and by entropy.

Shapes: the token formats that the vendors document. Entropy: Shannon's formula over the
characters of a literal that is assigned to a telling name.
"""

from __future__ import annotations

import math
import re
from collections import Counter

_SHAPES: dict[str, re.Pattern[str]] = {
    name: re.compile(shape)
    for name, shape in {
        "AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
        "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
        "GitLab token": r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,255}",
        "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bxapp-\d-[A-Za-z0-9-]{10,255}",
        "Slack webhook": r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/+_-]{20,255}",
        "private key": r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        "Google API key": r"\bAIza[A-Za-z0-9_-]{35}\b",
        "Stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}\b",
        "model provider key": r"\bsk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{32,255}",
        "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
        "PyPI token": r"\bpypi-AgEI[A-Za-z0-9_-]{50,255}",
        "SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}",
        "Telegram bot token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
        "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,255}\.eyJ[A-Za-z0-9_-]{10,1024}\.[A-Za-z0-9_-]{10,512}",
        "password in a URL": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'{}$<>]{1,64}:"
        r"(?!(?:pass|password|secret|changeme|x+|\*+)@)[^\s/:@\"'{}$<>]{3,128}@(?!localhost|127\.|host\b|example\.)",
    }.items()
}
_ASSIGNMENT = re.compile(
    r"(?i)(?:secret|token|passwd|password|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth[_-]?key)"
    r"[a-z0-9_]{0,30}[\"']?\s{0,4}(?:=|:|=>|:=)\s{0,4}[\"']?([A-Za-z0-9+/=_.!@#%^&*~-]{16,512})"
)
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change.?me|your[_-]|dummy|xxxx|\*\*\*\*|\.get|environ|settings\."
)
_KEY_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)",
    re.DOTALL,
)
_ENTROPY_BITS_MIN = 3.5


def find_secrets(text: str) -> tuple[str, ...]:
    """Return the names of the kinds of credentials in one line, never the credentials."""
    found = [name for name, shape in _SHAPES.items() if shape.search(text)]
    if not found and any(_random_looking(value) for value in _ASSIGNMENT.findall(text)):
        found.append("high-entropy value assigned to a secret's name")
    return tuple(found)


def hide_secrets(text: str) -> str:
    """Return ``text`` in which each line's credentials are replaced by what kind they are.

    Where only the whole assignment gives a credential away, its value goes.
    """
    whole = _KEY_BLOCK.sub("[private key left out]", text)
    return "\n".join(_hidden(row) for row in whole.split("\n"))


def _hidden(row: str) -> str:
    for name, shape in _SHAPES.items():
        row = shape.sub(f"[{name} left out]", row)
    for value in _ASSIGNMENT.findall(row):
        if _random_looking(value):
            row = row.replace(value, "[value left out]")
    return row


def entropy_bits(text: str) -> float:
    """Return the Shannon entropy of ``text`` in bits per character."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())


def _random_looking(value: str) -> bool:
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return mixed and not _PLACEHOLDER.search(value) and entropy_bits(value) >= _ENTROPY_BITS_MIN
