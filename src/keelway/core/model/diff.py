"""A patch as facts: which paths, of what kind, how much; never read from patch text.

The facts come from ``git diff-tree -r -z --raw --no-renames`` and ``--numstat -z`` on
two commits, so that no quoting, rename or colour setting can hide a path.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.errors import TheirFault

MODE_FILE, MODE_EXECUTABLE, MODE_SYMLINK, MODE_SUBMODULE = "100644", "100755", "120000", "160000"
NO_MODE = "000000"


@dataclass(frozen=True)
class FileDelta:
    """Describe one changed path between two commits."""

    path: str
    status: str
    """``A`` added, ``M`` modified, ``D`` deleted, ``T`` type of the entry switched."""
    old_mode: str = MODE_FILE
    new_mode: str = MODE_FILE
    added: int = 0
    removed: int = 0
    binary: bool = False


@dataclass(frozen=True)
class Diff:
    """Hold all changed paths between a base and a head commit."""

    base_sha: str
    head_sha: str
    files: tuple[FileDelta, ...] = ()
    added_text: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Added lines by path as (line number in the new file, text), bounded by the reader."""
    removed_text: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Removed lines by path as (line number in the old file, text); empty in the records of earlier versions."""

    @property
    def paths(self) -> frozenset[str]:
        """Return every changed path."""
        return frozenset(delta.path for delta in self.files)

    @property
    def lines(self) -> int:
        """Return how many lines were added or removed."""
        return sum(delta.added + delta.removed for delta in self.files)

    @property
    def bytes(self) -> int:
        """Return how much text was added or removed, as far as it was delivered."""
        texts = (*self.added_text.values(), *self.removed_text.values())
        return sum(len(text.encode("utf-8", "replace")) + 1 for lines in texts for _, text in lines)


def parse_diff(base_sha: str, head_sha: str, raw: bytes, numstat: bytes) -> Diff:
    """Read the two NUL-separated outputs of git into a diff.

    Raises:
        TheirFault: the output is not what git documents, or a path is not UTF-8.
    """
    try:
        counts = _parse_numstat(numstat)
        files = tuple(_parse_raw(raw, counts))
    except (ValueError, IndexError, KeyError) as error:
        raise TheirFault("diff_unreadable", f"The diff could not be read: {error}.") from error
    return Diff(base_sha, head_sha, files)


def _fields(data: bytes) -> list[str]:
    if data and not data.endswith(b"\0"):
        raise ValueError("truncated output")
    return [part.decode("utf-8") for part in data.split(b"\0")[:-1]]


def _parse_numstat(data: bytes) -> dict[str, tuple[int, int, bool]]:
    counts: dict[str, tuple[int, int, bool]] = {}
    for line in _fields(data):
        added, removed, path = line.split("\t", 2)
        binary = added == "-"
        counts[path] = (0, 0, True) if binary else (int(added), int(removed), False)
    return counts


def _parse_raw(data: bytes, counts: dict[str, tuple[int, int, bool]]) -> list[FileDelta]:
    parts = _fields(data)
    deltas = []
    if len(parts) % 2:
        raise ValueError("an entry without a path")
    for head, path in zip(parts[::2], parts[1::2], strict=True):
        old_mode, new_mode, _old, _new, status = head.removeprefix(":").split(" ")
        if not head.startswith(":") or status not in {"A", "M", "D", "T"}:
            raise ValueError(f"unexpected entry {head!r}")
        added, removed, binary = counts[path]
        deltas.append(FileDelta(path, status, old_mode, new_mode, added, removed, binary))
    return deltas
