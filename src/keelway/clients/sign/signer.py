"""Sign what others must be able to check later; the key lies where only its owner can read it."""

from __future__ import annotations

import copy
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from keelway.clients.files import read_bounded, write_atomic
from keelway.core.errors import TheirFault, YourFault

OWNER_ONLY = 0o600
BYTES_MAX = 10_000
ENVELOPE_BYTES_MAX = 4_000_000


@dataclass(frozen=True)
class Opened:
    """Hold what an envelope carried, once its signature was found good."""

    kind: str
    payload: bytes
    keyid: str


class Signer:
    """Sign with the key of a file.

    Args:
        path: the private key: ed25519, PEM (PKCS 8), readable by its owner only.
        make: make the file when it is not there.
    """

    def __init__(self, path: Path, *, make: bool = False) -> None:
        self._path, self._make = path, make

    @property
    def keyid(self) -> str:
        """Return the name of the key, which is made of its public part."""
        return str(self._signer.public_key.keyid)

    @property
    def public_pem(self) -> str:
        """Return the public part, with which anybody can check."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pem: bytes = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def envelope(self, payload: bytes, kind: str) -> dict[str, Any]:
        """Return a signed envelope as plain JSON.

        Raises:
            YourFault: the key cannot be used.
        """
        from securesystemslib.dsse import Envelope

        envelope = Envelope(payload, kind, {})
        envelope.sign(self._signer)
        plain: dict[str, Any] = envelope.to_dict()
        return plain

    @cached_property
    def _signer(self) -> Any:
        from securesystemslib.signer._crypto_signer import CryptoSigner

        return CryptoSigner(self._key)

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = self._path
        try:
            if self._make and not path.exists():
                write_atomic(path, _fresh_pem(), OWNER_ONLY)
            pem = read_bounded(path, BYTES_MAX)
            open_to = stat.S_IMODE(path.stat().st_mode) & 0o077
            key = load_pem_private_key(pem, None)
        except (OSError, TheirFault, ValueError, TypeError) as error:
            raise YourFault(
                "audit_key", f"{path} cannot be used as a key: {error}.", "name an ed25519 key in [audit] key"
            ) from error
        if open_to:
            raise YourFault("audit_key", f"{path} can be read by others.", f"chmod 600 {path}")
        if not isinstance(key, Ed25519PrivateKey):
            raise YourFault("audit_key", f"{path} is no ed25519 key.", "openssl genpkey -algorithm ed25519")
        return key


def _fresh_pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def open_envelope(plain: Any, public_pems: Iterable[str]) -> Opened:
    """Return what an envelope carries when one of the keys signed it.

    Raises:
        TheirFault: it is no envelope, or no signature on it is good.
        YourFault: a public key cannot be read.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    keys = [_public(pem) for pem in public_pems]
    try:
        envelope = Envelope.from_dict(copy.deepcopy(plain))  # it takes the text apart that it is given
    except Exception as error:
        raise TheirFault("no_envelope", "This is no signed envelope (DSSE).") from error
    try:
        accepted = envelope.verify(keys, 1)
    except (VerificationError, ValueError) as error:
        raise TheirFault("signature_bad", f"No signature is good: {error}.") from error
    return Opened(str(envelope.payload_type), bytes(envelope.payload), str(next(iter(accepted))))


def _public(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer._key import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
    except (ValueError, TypeError) as error:
        raise YourFault(
            "audit_key", f"This is no public key: {error}.", "keelway audit --public-key"
        ) from error
