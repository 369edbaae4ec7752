"""Sign the end of the chain, so that nobody without the key can write another one up to there.

The file ``audit.signed`` of the home holds one envelope a line, oldest first. Copy its last line, and the
public key, to a place that whoever may write the database cannot reach.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from keelway.clients.files import read_bounded, write_atomic
from keelway.clients.sign.signer import Signer, open_envelope
from keelway.core.codec import canonical, from_json
from keelway.core.errors import KeelwayError, TheirFault
from keelway.store.chain.witness import Head

KIND = "application/vnd.keelway.chain-head+json"
FILE, KEY, PUBLIC = "audit.signed", "audit.key", "audit.pub"
LINES_MAX, BYTES_MAX = 4_000, 16_000_000
"""The oldest heads are left out beyond this: a newer one vouches for everything before it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignedHead:
    """Name the end of the chain at an instant."""

    project: str
    sequence: int
    hash: str
    at: datetime

    @property
    def when(self) -> str:
        """Return when it was signed, for a person."""
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class Seal:
    """Sign the heads of one home."""

    def __init__(self, home: Path, project: str, key: Path | None = None) -> None:
        self._file, self._public, self._project = home / FILE, home / PUBLIC, project
        self.signer = Signer(key or home / KEY, make=key is None)
        self._last, self._lock = 0, threading.Lock()

    def __call__(self, head: Head, at: datetime) -> None:
        """Sign a head; one that was signed already is left as it is.

        Raises:
            KeelwayError: the key or the file cannot be used.
            OSError: the home cannot be written.
        """
        with self._lock:
            if head.sequence > self._last:
                self._sign(head, at)

    def _sign(self, head: Head, at: datetime) -> None:
        body = canonical(SignedHead(self._project, head.sequence, head.hash, at)).encode()
        line = json.dumps(self.signer.envelope(body, KIND), sort_keys=True)
        lines = [*_lines(self._file)[1 - LINES_MAX :], line]
        write_atomic(self._file, ("\n".join(lines) + "\n").encode(), 0o600)
        if not self._public.exists() or self._public.read_text() != self.signer.public_pem:
            write_atomic(self._public, self.signer.public_pem.encode())
        self._last = head.sequence

    def quietly(self, head: Head, at: datetime) -> None:
        """Sign a head; what goes wrong is logged, because the change that it ends is committed already."""
        try:
            self(head, at)
        except (OSError, KeelwayError) as error:
            _log.error("The end of the audit chain could not be signed: %s", error)


def signed_heads(lines: Iterable[str], public_pems: tuple[str, ...]) -> tuple[SignedHead, ...]:
    """Return signed heads, oldest first.

    Raises:
        TheirFault: a line is no head that one of the keys signed.
    """
    return tuple(_head(number, line, public_pems) for number, line in enumerate(lines, 1) if line.strip())


def _head(number: int, line: str, public_pems: tuple[str, ...]) -> SignedHead:
    try:
        opened = open_envelope(_json(line), public_pems)
        head = from_json(SignedHead, json.loads(opened.payload)) if opened.kind == KIND else None
    except Exception as error:
        said = error.message if isinstance(error, TheirFault) else str(error)
        raise TheirFault("head_unsigned", f"Line {number} of the signed heads: {said}") from error
    if head is None:
        raise TheirFault("head_unsigned", f"Line {number} of the signed heads signs something else.")
    return head


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _lines(path: Path) -> list[str]:
    try:
        return read_bounded(path, BYTES_MAX).decode().splitlines()
    except FileNotFoundError:
        return []


def heads_of(home: Path, public_pem: str = "", lines: str | None = None) -> tuple[SignedHead, ...]:
    """Return the signed heads of a home, none when it never signed.

    Args:
        home: where the heads and the public key lie.
        public_pem: a public key that was kept elsewhere; empty for the one in the home.
        lines: heads that were kept elsewhere; ``None`` for those in the home.

    Raises:
        TheirFault: heads that must be there are gone, or one does not count.
    """
    try:
        pem = public_pem or (home / PUBLIC).read_text()
        found = _lines(home / FILE) if lines is None else lines.splitlines()
    except FileNotFoundError:
        if (home / FILE).exists() or lines is not None:
            raise TheirFault(
                "public_key_missing", f"{PUBLIC} is gone, so no signature can be checked."
            ) from None
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise TheirFault("heads_unreadable", f"The signed heads cannot be read: {error}.") from error
    if not any(line.strip() for line in found):
        raise TheirFault("heads_missing", f"{FILE} is gone or empty, though heads were signed here.")
    return signed_heads(found, (pem,))
