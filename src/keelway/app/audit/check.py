"""Check, anywhere and without a running control plane, what was signed here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.app.home import Home
from keelway.app.view.system import AuditReport
from keelway.clients.files import read_bounded
from keelway.clients.sign.signer import ENVELOPE_BYTES_MAX, open_envelope
from keelway.core.attest.statement import MEDIA_TYPE, statement_line
from keelway.core.errors import KeelwayError, TheirFault, YourFault
from keelway.store.chain.audit import verify
from keelway.store.database import open_database

FILE_BYTES_MAX = 64_000_000


@dataclass(frozen=True)
class Checked:
    """State what a look at one line of a file found."""

    number: int
    ok: bool
    sentence: str
    keyid: str = ""
    digest: str = ""
    """SHA-256 of what was signed."""


def check_file(path: Path, public_pem: str) -> tuple[Checked, ...]:
    """Check every line of a file of attestations: its signature, and what it states.

    Raises:
        YourFault: the file cannot be read.
    """
    try:
        lines = read_bounded(path, FILE_BYTES_MAX).decode().splitlines()
    except (OSError, UnicodeDecodeError, KeelwayError) as error:
        raise YourFault(
            "attestations_unreadable", f"{path} cannot be read: {error}.", "name the file"
        ) from error
    return tuple(_checked(number, line, public_pem) for number, line in enumerate(lines, 1) if line.strip())


def _checked(number: int, line: str, public_pem: str) -> Checked:
    try:
        opened = open_envelope(_json(line), (public_pem,))
        if opened.kind != MEDIA_TYPE:
            return Checked(number, ok=False, sentence=f"it is a signed {opened.kind[:80]}, no statement")
        said = statement_line(_json(opened.payload.decode()))
    except (TheirFault, ValueError) as error:
        return Checked(
            number, ok=False, sentence=error.message if isinstance(error, TheirFault) else str(error)
        )
    digest = hashlib.sha256(opened.payload).hexdigest()
    return Checked(number, ok=True, sentence=said, keyid=opened.keyid, digest=digest)


def _json(text: str) -> Any:
    if len(text) > ENVELOPE_BYTES_MAX:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def verify_kept(home: Home, key: Path | None, heads: Path | None) -> AuditReport:
    """Walk the chain of a home and compare it with a public key and signed heads that were kept elsewhere.

    Raises:
        YourFault: nothing has run yet, or a file cannot be read.
        TheirFault: the database cannot be read.
    """
    if not home.has_book:
        raise YourFault("nothing_yet", "Nothing has run for this project yet.", "keelway up")
    pem = public_key(key) if key is not None else ""
    lines = public_key(heads) if heads is not None else None
    database = open_database(home.database_url)
    try:
        return AuditReport(**vars(verify(database, home.root, key=pem, heads=lines)))
    finally:
        database.dispose()


def public_key(path: Path) -> str:
    """Return the text of a public key.

    Raises:
        YourFault: it cannot be read.
    """
    try:
        return read_bounded(path, FILE_BYTES_MAX).decode("ascii")
    except (OSError, UnicodeDecodeError, KeelwayError) as error:
        raise YourFault(
            "audit_key", f"{path} cannot be read: {error}.", "keelway audit --public-key"
        ) from error
