"""A link that carries one answer: signed, for one person, one question, one time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from keelway.core.codec import canonical, from_json
from keelway.core.errors import RequestRefused

ANSWERS = frozenset({"yes", "no"})
CHARS_MAX = 4_096
_SIGNED, _FORM = b"keelway answer link 1\0", b"keelway answer form 1\0"
_AGAIN = "ask for a new link, or answer with keelway approve"


@dataclass(frozen=True)
class Link:
    """Say which answer to which question a link allows whom, and until when."""

    home: str
    """Mark of the installation that issued it."""
    task: str
    question: str
    binding_digest: str
    """Digest of exactly what was shown when the link was issued."""
    person: str
    answer: str
    """``yes`` or ``no``."""
    nonce: str
    """It is kept with the answer, once."""
    expires_at: datetime


def write_link(link: Link, key: bytes) -> str:
    """Return the text of a link, which whoever has the key can tell from a forged one."""
    body = canonical(link).encode()
    return f"{_text(body)}.{_text(_mac(key, _SIGNED, body))}"


def read_link(text: str, key: bytes, *, home: str, now: datetime) -> Link:
    """Return what a link allows.

    Raises:
        RequestRefused: it was not issued here (``link_forged``, ``link_elsewhere``) or is over (``link_expired``).
    """
    link = _signed(text, key)
    if link is None or link.answer not in ANSWERS:
        raise RequestRefused("link_forged", "This link was not issued here, or it was altered.", _AGAIN)
    if link.home != home:
        raise RequestRefused("link_elsewhere", "This link belongs to another installation.", _AGAIN)
    if now >= link.expires_at:
        raise RequestRefused(
            "link_expired", f"This link was good until {link.expires_at:%Y-%m-%d %H:%M} UTC.", _AGAIN
        )
    return link


def _signed(text: str, key: bytes) -> Link | None:
    body, dot, mac = text.partition(".")
    if not dot or len(text) > CHARS_MAX:
        return None
    try:
        raw = _bytes(body)
        if not hmac.compare_digest(_mac(key, _SIGNED, raw), _bytes(mac)):
            return None
        return from_json(Link, json.loads(raw))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no link of ours
        return None


def form_mark(text: str, key: bytes) -> str:
    """Return what the form of a link has to send along, so that no other page can send it."""
    return _text(_mac(key, _FORM, text.encode("utf-8", "replace")))


def fits_form(mark: str, text: str, key: bytes) -> bool:
    """Tell whether a form is the one that was shown for a link."""
    return hmac.compare_digest(mark.encode("utf-8", "replace"), form_mark(text, key).encode())


def _mac(key: bytes, purpose: bytes, body: bytes) -> bytes:
    return hmac.new(key, purpose + body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    raw = text.encode("ascii")
    padded = raw + b"=" * (-len(raw) % 4)
    found = base64.b64decode(padded, altchars=b"-_", validate=True)
    if _text(found).encode() != raw:
        raise binascii.Error("one value has one text")
    return found
