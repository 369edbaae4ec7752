"""Import the files of a folder that others wrote, without believing anything git-like in it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.git.trees import Trees
from keelway.core.errors import TheirFault

_SYMLINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True)
class ImportBounds:
    """Limit what may be imported at once."""

    file_bytes_max: int = 10 * 1024 * 1024
    files_max: int = 50_000


@dataclass(frozen=True)
class Imported:
    """Name the imported tree and when its newest change was written, in epoch seconds."""

    tree_sha: str
    written_at: int


class Imports(Trees):
    """Turn the plain files of a folder into a tree."""

    def import_tree(self, folder: str, base: str, bounds: ImportBounds) -> Imported:
        """Return the tree of the folder's files; what ``.gitignore`` names stays out unless ``base`` has it.

        The folder's own ``.git`` is neither read nor used.

        Raises:
            TheirFault: the folder holds something that must not get in (``import_refused``).
        """
        root = Path(folder)
        with self.index(base) as env:
            there = {**env, "GIT_WORK_TREE": folder}
            listed = self.call(
                "ls-files", "-z", "--cached", "--others", "--exclude-standard", env=there
            ).stdout
            _check_files(root, [os.fsdecode(name) for name in listed.split(b"\0")[:-1]], bounds)
            try:
                self.call("add", "--all", "--", ".", env=there)
            except TheirFault as fault:
                raise _refused(_first_line(fault.message), "git does not take it") from fault
            tree = self.text("write-tree", env=env)
        changed = self._changed(base, tree)
        for mode, path in changed:
            self._check_entry(root, mode, path, tree)
        return Imported(tree, _newest(root, [path for _mode, path in changed]))

    def _changed(self, base: str, tree: str) -> list[tuple[str, str]]:
        raw = self.call("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", base, tree).stdout
        parts = raw.split(b"\0")[:-1]
        try:
            return [
                (head.decode("ascii").split(" ")[1], path.decode("utf-8"))
                for head, path in zip(parts[::2], parts[1::2], strict=True)
            ]
        except UnicodeDecodeError as error:
            raise _refused(repr(error.object), "its name is not UTF-8") from error

    def _check_entry(self, root: Path, mode: str, path: str, tree: str) -> None:
        if mode == _SUBMODULE:
            raise _refused(path, "it is a repository of its own")
        if path.casefold() == ".gitmodules":
            raise _refused(path, "submodules are not delivered")
        if mode == _SYMLINK:
            target = os.fsdecode(self.read(tree, path, 4096) or b"")
            if _leaves(root, path, target):
                raise _refused(path, f"it is a link out of the tree, to {target!r}")


def _check_files(root: Path, names: list[str], bounds: ImportBounds) -> None:
    if len(names) > bounds.files_max:
        raise _refused(f"{len(names)} files", f"more than {bounds.files_max} are not taken")
    clean: set[str] = {""}
    for name in names:
        if name.endswith("/"):
            raise _refused(name, "it is a repository of its own")
        _check_folders(root, os.path.dirname(name), clean)  # noqa: PTH120 - cheap on many thousand names
        _check_file(root / name, name, bounds)


def _check_folders(root: Path, folder: str, clean: set[str]) -> None:
    """Refuse a nested ``.git`` in any folder on the way up; the one at the top is not looked at."""
    while folder not in clean:
        if os.path.lexists(root / folder / ".git"):
            raise _refused(f"{folder}/.git", "it is a repository of its own")
        clean.add(folder)
        folder = os.path.dirname(folder)  # noqa: PTH120


def _check_file(path: Path, name: str, bounds: ImportBounds) -> None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    kind = stat.S_IFMT(found.st_mode)
    if kind not in {stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR}:
        raise _refused(name, "it is neither a file nor a link")
    if kind == stat.S_IFREG and found.st_size > bounds.file_bytes_max:
        raise _refused(name, f"it is larger than {bounds.file_bytes_max} bytes")


def _leaves(root: Path, path: str, target: str) -> bool:
    """Tell whether a link leads out, by its words or over other links, or into a ``.git``."""
    if os.path.isabs(target):  # noqa: PTH117
        return True
    words = os.path.normpath(os.path.join(os.path.dirname(path), target)).split("/")  # noqa: PTH118, PTH120
    if words[0] == ".." or ".git" in (word.casefold() for word in words):
        return True
    top = os.path.realpath(root)
    real = os.path.realpath(root / path)
    return real != top and not real.startswith(top + "/")


def _newest(root: Path, paths: list[str]) -> int:
    """Return the newest modification time among changed files, for a removed one that of its folder."""
    newest = 0.0
    for path in paths:
        spot = root / path
        while not os.path.lexists(spot) and spot != root:
            spot = spot.parent
        newest = max(newest, spot.lstat().st_mtime)
    return int(newest)


def _refused(path: str, why: str) -> TheirFault:
    shown = path.encode("utf-8", "backslashreplace").decode()
    return TheirFault(
        "import_refused",
        f"{shown!r} was not imported: {why}.",
        "remove it from the workspace or add it to .gitignore",
    )


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]
