"""Make text from outside harmless to show, and numbers pleasant to read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from keelway.core.rule.secrets import hide_secrets

INLINE_CHARS_MAX = 300
_CENT = 0.01
BLOCK_CHARS_MAX = 4_000

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$])")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
_TRAILER = re.compile(r"^(?=[A-Za-z][A-Za-z-]*:)", re.MULTILINE)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str) -> str:
    """Return ``text`` without terminal sequences and invisible characters; every line end becomes one newline."""
    plain = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(char for char in plain if char in "\n\t" or unicodedata.category(char) not in _HIDDEN)


def outgoing(text: str) -> str:
    """Return ``text`` as it may leave this machine: clean, and what looks like a credential left out."""
    return hide_secrets(clean(text))


def cut(text: str, limit: int) -> str:
    """Return a text, or its beginning with a mark that there was more."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def line(text: str, limit: int = INLINE_CHARS_MAX) -> str:
    """Return ``text`` as one plain line without mentions and credentials, for terminals, chats and commits."""
    joined = " ".join(outgoing(text).split())
    return _MENTION.sub("@ ", cut(joined, limit))


def inline(text: str, limit: int = INLINE_CHARS_MAX) -> str:
    """Return ``text`` as one line of Markdown that means nothing but its letters.

    Markup is escaped; mentions (``@name``) and references (``#12``) are parted, so that nobody is
    called and nothing is closed.
    """
    parted = _REFERENCE.sub(lambda found: found[0] + " ", line(text, limit))
    return _MARKDOWN.sub(r"\\\1", parted)


def code(text: str, limit: int = INLINE_CHARS_MAX) -> str:
    """Return ``text`` as Markdown code in a line; a backquote in it becomes an apostrophe."""
    return "`" + " ".join(outgoing(text).split())[:limit].replace("`", "'") + "`"


def fenced(text: str, limit: int = BLOCK_CHARS_MAX) -> str:
    """Return ``text`` as a Markdown code block that it cannot leave, cut to ``limit`` characters."""
    plain = outgoing(text).strip("\n")
    cut = plain[:limit]
    if len(plain) > limit:
        cut += f"\n… {len(plain) - limit} more characters"
    longest = max((len(run) for run in re.findall(r"`+", cut)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{cut}\n{fence}"


def prose(text: str, limit: int = BLOCK_CHARS_MAX) -> str:
    """Return ``text`` as plain paragraphs for a commit; no line of it can pass for a trailer."""
    lines = [line(part, limit) for part in outgoing(text).strip().split("\n")]
    return _TRAILER.sub("  ", "\n".join(lines))[:limit]


def bullets(items: Iterable[str], mark: str = "-") -> str:
    """Return one list item a line, an honest "none" for an empty list."""
    return "\n".join(f"{mark} {item}" for item in items) or f"{mark} none"


def duration(seconds: float) -> str:
    """Return a length of time such as ``"8 s"``, ``"1 min 23 s"``, ``"2 h 5 min"`` or ``"3 days"``."""
    whole = max(0, round(seconds))
    if 0 < seconds < 1:
        return f"{seconds:.1f} s"
    days, hours = divmod(whole // 3600, 24)
    minutes, rest = whole // 60 % 60, whole % 60
    if days:
        parts = [f"{days} day{'s' if days > 1 else ''}", f"{hours} h" if hours else ""]
    elif hours:
        parts = [f"{hours} h", f"{minutes} min" if minutes else ""]
    else:
        parts = [f"{minutes} min" if minutes else "", f"{rest} s" if rest or not minutes else ""]
    return " ".join(part for part in parts if part)


def percent(share: float) -> str:
    """Return a share of one as a percentage with at most two decimals."""
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


def instant(at: datetime) -> str:
    """Return an instant in UTC to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def short(sha: str) -> str:
    """Return the first twelve digits of a commit, or a word when there is none."""
    return sha[:12] or "unknown"


def amount(value: float, unit: str = "USD") -> str:
    """Return money or tokens as people read them."""
    if unit != "USD":
        return f"{value:,.0f} {unit}"
    return f"{value:.2f} USD" if value == 0 or value >= _CENT else f"{value:.4f} USD"
