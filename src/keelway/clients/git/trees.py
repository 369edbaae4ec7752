"""Trees without a work tree: list, read, merge, compose, export, import."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keelway.clients.git.call import GitCall
from keelway.clients.git.values import Entry, Merged
from keelway.core.errors import TheirFault

PLAIN_ATTRIBUTES = (
    "* !text !eol !crlf !filter !ident !working-tree-encoding !diff !merge !conflict-marker-size\n"
)
"""Written to ``info/attributes``, which outranks every ``.gitattributes``: bytes stay bytes."""


_FILES = frozenset({"100644", "100755"})


class Trees(GitCall):
    """Work on trees and files inside the object store."""

    def ls_tree(self, sha: str) -> tuple[Entry, ...]:
        """Return every file of a commit or tree.

        Raises:
            TheirFault: a path is not UTF-8 (``path_not_text``).
        """
        said = self.call("ls-tree", "-r", "-z", "--full-tree", sha).stdout
        return tuple(_entry(record) for record in said.split(b"\0") if record)

    def read(self, sha: str, path: str, bytes_max: int) -> bytes | None:
        """Return a file of a commit without following links; None when there is no such file.

        Raises:
            TheirFault: it is larger than the bound (``file_too_large``).
        """
        entry = self.entry(sha, path)
        if entry is None or entry.mode == "160000":
            return None
        if int(self.text("cat-file", "-s", entry.sha)) > bytes_max:
            raise TheirFault("file_too_large", f"{path} is larger than {bytes_max} bytes.")
        return self.call("cat-file", "blob", entry.sha).stdout

    def texts(self, sha: str, paths: Iterable[str], bytes_max: int, all_bytes_max: int) -> dict[str, str]:
        """Return the text of many files of a commit at once, links not followed.

        A path that is not there, too large, no text, or beyond the bound of all together is left out.
        """
        known = {entry.path: entry.sha for entry in self.ls_tree(sha) if entry.mode in _FILES}
        blobs = {path: known[path] for path in paths if path in known}
        sizes, chosen, left = self._sizes(blobs.values()), {}, all_bytes_max
        for path, blob in blobs.items():
            if sizes.get(blob, bytes_max + 1) <= min(bytes_max, left):
                chosen[path] = blob
                left -= sizes[blob]
        names = "".join(f"{blob}\n" for blob in chosen.values()).encode()
        said = self.call("cat-file", "--batch", stdin=names).stdout if names else b""
        texts, at = {}, 0
        for path, blob in chosen.items():
            begin = said.index(b"\n", at) + 1
            raw = said[begin : begin + sizes[blob]]
            at = begin + len(raw) + 1
            if b"\0" not in raw:
                texts[path] = raw.decode("utf-8", "replace")
        return texts

    def _sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        names = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode()
        lines = (
            self.call("cat-file", "--batch-check", stdin=names).stdout.decode().splitlines() if names else []
        )
        parts = (line.split(" ") for line in lines)
        return {part[0]: int(part[-1]) for part in parts if part[1] == "blob"}

    def entry(self, sha: str, path: str) -> Entry | None:
        """Return what a commit has at exactly this path, folders excepted."""
        if any(part in {"", ".", ".."} for part in path.split("/")):
            return None
        said = self.call("ls-tree", "-z", "--full-tree", sha, "--", path).stdout
        entries = [_entry(record) for record in said.split(b"\0") if record and b" tree " not in record[:13]]
        return next((entry for entry in entries if entry.path == path), None)

    def tree_of(self, sha: str) -> str:
        """Return the tree of a commit."""
        return self.text("rev-parse", "--verify", "--end-of-options", f"{sha}^{{tree}}")

    def trees_between(self, old: str, new: str, commits_max: int) -> frozenset[str]:
        """Return the trees of the commits that a newer one has and an older one has not."""
        said = self.text("log", f"--max-count={commits_max}", "--format=%T", f"{old}..{new}")
        return frozenset(said.split())

    def merge_tree(self, ours: str, theirs: str) -> Merged:
        """Merge two commits in memory."""
        done = self.call(
            "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs, accept=(0, 1)
        )
        tree, *names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
        if done.exit_code == 0:
            return Merged(tree)
        return Merged(tree, tuple(dict.fromkeys(name for name in names if name)) or ("(unknown)",))

    def merge_trees(self, base_tree: str, our_tree: str, their_tree: str) -> Merged:
        """Merge two trees against a base tree of choice.

        ``merge-tree`` takes its base from history (``--merge-base`` needs git 2.40), so the three
        trees get a history of their own: one root commit and two children.
        """
        root = self._loose_commit(base_tree)
        ours, theirs = self._loose_commit(our_tree, root), self._loose_commit(their_tree, root, "theirs")
        return self.merge_tree(ours, theirs)

    def _loose_commit(self, tree_sha: str, parent: str = "", name: str = "ours") -> str:
        args = ("-p", parent) if parent else ()
        env = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}
        return self.text("commit-tree", tree_sha, *args, stdin=f"{name}\n".encode(), env=env)

    def compose(self, onto: str, source: str, paths: tuple[str, ...]) -> str:
        """Return the tree of ``onto`` in which each path is as in ``source``, absent included."""
        wanted = set(paths)
        theirs = {entry.path: entry for entry in self.ls_tree(source) if entry.path in wanted}
        gone = [f"0 {'0' * 40}\t{path}\0" for path in paths if path not in theirs]
        taken = [f"{entry.mode} {entry.sha}\t{entry.path}\0" for entry in theirs.values()]
        with self.index(onto) as env:
            lines = "".join([*gone, *taken]).encode()
            self.call("update-index", "-z", "--replace", "--index-info", stdin=lines, env=env)
            return self.text("write-tree", env=env)

    def export(self, sha: str, folder: str) -> None:
        """Write the files of a commit into an empty or new folder, byte for byte.

        Raises:
            TheirFault: the folder is not empty, or git could not write.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise TheirFault("folder_not_empty", f"{folder} is not empty, so nothing was exported into it.")
        self.check_out(sha, folder)

    def check_out(self, sha: str, folder: str) -> None:
        """Write the files of a commit into a folder of ours that may hold a ``.git``."""
        with self.index(sha) as env:
            self.call("checkout-index", "--all", "--force", "--quiet", env={**env, "GIT_WORK_TREE": folder})

    def put_back(self, sha: str, folder: str, paths: Iterable[str]) -> None:
        """Write some files of a commit over what stands in their place, links included."""
        names = "".join(f"{path}\0" for path in paths).encode()
        with self.index(sha) as env:
            call = ("checkout-index", "--force", "--quiet", "-z", "--stdin")
            self.call(*call, stdin=names, env={**env, "GIT_WORK_TREE": folder})

    @contextmanager
    def index(self, sha: str = "") -> Iterator[dict[str, str]]:
        """Lend a private index that holds a tree; the value is the environment that selects it."""
        with tempfile.TemporaryDirectory(prefix="keelway-index-") as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            self.call("read-tree", *([sha] if sha else ["--empty"]), env=env)
            yield env


def _entry(record: bytes) -> Entry:
    head, _tab, path = record.partition(b"\t")
    mode, _kind, sha = head.decode("ascii").split(" ")
    try:
        return Entry(mode, sha, path.decode("utf-8"))
    except UnicodeDecodeError as error:
        shown = path.decode("utf-8", "backslashreplace")
        raise TheirFault("path_not_text", f"The file name {shown!r} is not UTF-8.") from error
