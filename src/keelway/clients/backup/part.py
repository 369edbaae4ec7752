"""Write and open one file of a backup, encrypted or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keelway.clients.backup.seal import SUFFIX, Seal
from keelway.clients.backup.source import CopyFailed, Source
from keelway.clients.files import sha256_file, sync_file, sync_folder
from keelway.core.backup.backup import Part
from keelway.core.errors import TheirFault


def put_part(seal: Seal | None, source: Source, path: Path) -> Part:
    """Copy a source to a file, prove the copy, and encrypt it when it is to be; nothing is left of a failure.

    Raises:
        TheirFault: the copy does not hold what was counted (``backup_failed``).
        CopyFailed: it could not be copied.
        OSError: the disk did not take it.
    """
    partial = path.with_name(f"{path.name}.partial")
    final = path.with_name(f"{path.name}{SUFFIX}") if seal else path
    fresh = final.with_name(f"{final.name}.partial") if seal else partial
    try:
        _discard(partial, fresh)
        counted = source.copy(partial)
        partial.chmod(0o600)
        _insist(final.name, source.prove(partial, counted.rows))
        if seal:
            _close(seal, partial, fresh)
        fresh.chmod(0o400)
        sync_file(fresh)
        fresh.replace(final)
        sync_folder(final.parent)
    except BaseException:
        _discard(partial, fresh, final)
        raise
    size = final.stat().st_size
    return Part(
        source.kind, str(final), sha256_file(final), size, counted.rows, counted.mark, sealed=seal is not None
    )


@contextmanager
def opened(seal: Seal | None, part: Part) -> Iterator[Path]:
    """Give a path from which a part can be read.

    Raises:
        CopyFailed: it is encrypted and cannot be decrypted.
    """
    path = Path(part.path)
    if not part.sealed:
        yield path
        return
    if seal is None:
        raise CopyFailed(f"{path.name} is encrypted, and [data] encrypt names no key")
    with seal.opened(path) as plain:
        yield plain


def _insist(name: str, wrong: str) -> None:
    if wrong:
        raise TheirFault("backup_failed", f"The backup {name} does not verify: {wrong}.", "see the database")


def _close(seal: Seal, partial: Path, fresh: Path) -> None:
    """Encrypt a copy and see that it can be opened again."""
    seal.close(partial, fresh)
    with seal.opened(fresh) as again:
        if sha256_file(again) != sha256_file(partial):
            raise CopyFailed("what was encrypted does not open as what it was")
    partial.unlink()


def _discard(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
