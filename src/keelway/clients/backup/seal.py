"""Encrypt copies at rest in the age format (https://age-encryption.org/v1), so that ``age -d`` opens them too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keelway.clients.backup.source import CopyFailed
from keelway.core.errors import YourFault

SUFFIX = ".age"


class Seal:
    """Close and open files by one age identity, which is asked for each time and never kept."""

    def __init__(self, identity: Callable[[], str]) -> None:
        self._identity = identity

    def ready(self) -> None:
        """See that the library and the identity are there."""
        self._key(_age())

    def close(self, plain: Path, sealed: Path) -> None:
        """Encrypt a file for the identity.

        Raises:
            CopyFailed: it could not be encrypted.
        """
        age = _age()
        with _failing(age):
            age.encrypt_file(str(plain), str(sealed), [self._key(age).to_public()])

    @contextmanager
    def opened(self, sealed: Path) -> Iterator[Path]:
        """Decrypt a file beside it for as long as it is needed.

        Raises:
            CopyFailed: it is damaged, or was encrypted for another identity.
        """
        age, plain = _age(), sealed.with_name(f"{sealed.name}.open")
        try:
            plain.unlink(missing_ok=True)
            plain.touch(0o600)
            with _failing(age):
                age.decrypt_file(str(sealed), str(plain), [self._key(age)])
            yield plain
        finally:
            plain.unlink(missing_ok=True)

    def _key(self, age: Any) -> Any:
        try:
            return age.x25519.Identity.from_str(self._identity().strip())
        except age.IdentityError as error:
            raise YourFault(
                "no_age_identity",
                "The secret that [data] encrypt names is no age identity.",
                "age-keygen makes one; put its line AGE-SECRET-KEY-… into secrets.env",
            ) from error


def _age() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]
    except ImportError as error:
        raise YourFault(
            "program_missing",
            "Backups are to be encrypted, and the library for that is not installed.",
            "pip install 'keelway[encrypt]'",
        ) from error
    return pyrage


@contextmanager
def _failing(age: Any) -> Iterator[None]:
    try:
        yield
    except (age.EncryptError, age.DecryptError) as error:
        raise CopyFailed(f"the age file cannot be written or read: {error}") from error
