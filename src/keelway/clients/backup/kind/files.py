"""Copy folders whose files may change meanwhile, and put them back by an exchange of names."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from keelway.clients.backup.source import CopyFailed, Counted, Lent, Source, counted_wrong
from keelway.clients.files import remove_tree, sync_folder
from keelway.core.backup.backup import Loss, loss_by_change

_TRIES_MAX = 5
"""How often a file that changes while it is read is read again."""

_CHUNK_BYTES = 1024 * 1024
_FILES_MAX = 1_000_000
_INDEX = "keelway-index.json"
_INDEX_BYTES_MAX = 512 * 1024 * 1024

Index = dict[str, dict[str, str]]
"""Digest of each file, and where each link leads, by its path in each folder."""


@dataclass(frozen=True)
class _Entry:
    """Be one file or link of a folder."""

    path: Path
    name: str
    link: bool


class FilesSource:
    """Be the folders of an environment, each named by its place in the configuration."""

    kind, suffix = "files", ".tar"
    keeps_old = True

    def __init__(self, folders: dict[str, Path], data: Path) -> None:
        self._folders, self._data = folders, data

    def named(self) -> str:
        """Return the folders."""
        return ", ".join(str(path) for path in self._folders.values())

    def ready(self) -> None:
        """Need nothing: Python brings it along."""

    def size_bytes(self) -> int | None:
        """Return the size of all files together; ``None`` when no folder is there."""
        there = [path for path in self._folders.values() if path.is_dir()]
        sizes = (entry.path.lstat().st_size for path in there for entry in _entries(path))
        return sum(sizes) if there else None

    def copy(self, path: Path) -> Counted:
        """Copy every file as it was at one moment of its own; one that never rests is refused."""
        index: Index = {}
        with tarfile.open(path, "x") as archive:
            for name, folder in self._folders.items():
                index[name] = {}
                for entry in _entries(folder) if folder.is_dir() else ():
                    with suppress(FileNotFoundError):  # removed since it was listed
                        index[name][entry.name] = _add(archive, f"{name}/{entry.name}", entry)
            _add_index(archive, index)
        return Counted(_numbers(index))

    def check(self, path: Path, rows: dict[str, int]) -> str:
        """Read the index."""
        return counted_wrong(rows, _numbers(_index_of(path)))

    def prove(self, path: Path, rows: dict[str, int]) -> str:
        """Unpack everything into a scratch folder and compare each file with its digest."""
        scratch = path.with_name(f"{path.name}.scratch")
        remove_tree(scratch, scratch.parent)
        try:
            wrong = self.check(path, rows)
            for name in [] if wrong else self._folders:
                wrong = wrong or _unpack(path, name, scratch / name)
            return wrong
        finally:
            remove_tree(scratch, scratch.parent)

    def rows(self) -> dict[str, int]:
        """Count the files of each folder."""
        return {
            f"{name}/": sum(1 for _ in _entries(folder)) if folder.is_dir() else 0
            for name, folder in self._folders.items()
        }

    def loss(self, path: Path, then: Counted) -> Loss:
        """Compare every file with the digest that it had."""
        del then
        past, new, gone = _index_of(path), {}, {}
        for name, folder in self._folders.items():
            entries = _entries(folder) if folder.is_dir() else ()
            now = {entry.name: _digest_of(entry) for entry in entries}
            before = past.get(name, {})
            new[f"{name}/"] = sum(before.get(one) != digest for one, digest in now.items())
            gone[f"{name}/"] = sum(now.get(one) != digest for one, digest in before.items())
        return loss_by_change(new, gone)

    def write_back(self, path: Path, rows: dict[str, int], name: str) -> None:
        """Unpack beside each folder, prove it, and exchange the names; what was there stays beside it."""
        del rows
        mark = hashlib.sha256(name.encode()).hexdigest()[:10]
        for part, folder in self._folders.items():
            fresh, old = (folder.with_name(f"{folder.name}.keelway-{what}-{mark}") for what in ("new", "old"))
            if old.exists() and folder.exists() and not fresh.exists():
                continue  # it was exchanged before, and only the record was lost
            if folder.exists() or not fresh.exists():
                remove_tree(fresh, fresh.parent)
                if wrong := _unpack(path, part, fresh):
                    raise CopyFailed(wrong)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            sync_folder(folder.parent)

    @contextmanager
    def lend(self, path: Path, folder: Path, name: str) -> Iterator[Lent]:
        """Unpack the folders to where they would lie if the folder were the data folder."""
        del name
        for part, live in self._folders.items():
            inside = live.is_relative_to(self._data)
            if inside and (wrong := _unpack(path, part, folder / live.relative_to(self._data))):
                raise CopyFailed(wrong)
        yield Lent({str(self._data): str(folder)})


def _entries(folder: Path) -> Iterator[_Entry]:
    """Yield files and links in the order of names; other things, such as sockets, are nothing to keep.

    Raises:
        CopyFailed: there are too many.
    """
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(place) / name
            with suppress(FileNotFoundError):  # removed since it was listed
                mode = path.lstat().st_mode
                if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                    count += 1
                    yield _Entry(path, path.relative_to(folder).as_posix(), stat.S_ISLNK(mode))
        if count > _FILES_MAX:
            raise CopyFailed(f"{folder} holds more than {_FILES_MAX} files")


def _add(archive: tarfile.TarFile, name: str, entry: _Entry) -> str:
    """Add a file or link to an archive and return its digest; a file that changes meanwhile is read again."""
    info = archive.gettarinfo(str(entry.path), name)
    if entry.link:
        leads = str(entry.path.readlink())
        info.type, info.size, info.linkname = tarfile.SYMTYPE, 0, leads
        archive.addfile(info)
        return f"-> {leads}"
    copy = Path(f"{os.fsdecode(archive.name or name)}.file")
    try:
        digest, info.size = _settled(entry.path, copy)
        info.type, info.linkname = tarfile.REGTYPE, ""
        with copy.open("rb") as stream:
            archive.addfile(info, stream)
        return digest
    finally:
        copy.unlink(missing_ok=True)


def _settled(path: Path, copy: Path) -> tuple[str, int]:
    """Copy a file until it was the same before and after; return its digest and its size."""
    for _ in range(_TRIES_MAX):
        with path.open("rb") as source, copy.open("wb") as target:
            before = os.fstat(source.fileno())
            _copy(source, target, before.st_size)
            after = os.fstat(source.fileno())
        size = copy.stat().st_size
        if (before.st_mtime_ns, before.st_size) == (
            after.st_mtime_ns,
            after.st_size,
        ) and size == after.st_size:
            with copy.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest(), size
    raise CopyFailed(f"{path} changes each time that it is read; a database needs a backup of its own kind")


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy at most as much as a file had: one that grows as fast as it is read would have no end."""
    while size > 0 and (chunk := source.read(min(size, _CHUNK_BYTES))):
        target.write(chunk)
        size -= len(chunk)


def _digest_of(entry: _Entry) -> str:
    if entry.link:
        return f"-> {entry.path.readlink()}"
    with entry.path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _add_index(archive: tarfile.TarFile, index: Index) -> None:
    data = json.dumps(index, sort_keys=True).encode()
    info = tarfile.TarInfo(_INDEX)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _numbers(index: Index) -> dict[str, int]:
    return {f"{name}/": len(files) for name, files in index.items()}


def _index_of(path: Path) -> Index:
    with tarfile.open(path) as archive:
        try:
            member = archive.getmember(_INDEX)
        except KeyError as error:
            raise CopyFailed(f"{path.name} has no index") from error
        stream = archive.extractfile(member)
        if stream is None or member.size > _INDEX_BYTES_MAX:
            raise CopyFailed(f"{path.name} has no index that can be read")
        index: Index = json.loads(stream.read(_INDEX_BYTES_MAX))
        return index


def _unpack(path: Path, name: str, folder: Path) -> str:
    """Unpack one folder of an archive and compare each file with its digest; return "" or what is wrong."""
    wanted = _index_of(path).get(name, {})
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(path) as archive:
        for member in archive:
            begin, _, rest = member.name.partition("/")
            if begin == name and rest in wanted:
                archive.extract(member.replace(name=rest, deep=False), folder, filter="tar")
    found = {entry.name: _digest_of(entry) for entry in _entries(folder)}
    other = sorted(one for one in {*wanted, *found} if wanted.get(one) != found.get(one))
    return f"{len(other)} files came back otherwise, such as {name}/{other[0]}" if other else ""


_check: type[Source] = FilesSource
