"""Make the artefacts of a release with their checksums, and look whether they are still what was made."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from keelway.clients.files import read_bounded, remove_tree, sha256_file, sync_folder, write_atomic
from keelway.clients.git import Git
from keelway.clients.release.build import insist_built
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import TheirFault
from keelway.core.target.spec import ManualSpec

SUMS, ABOUT = "SHA256SUMS", "release.json"
"""Checksums as ``sha256sum --check`` reads them, and what the release is."""

_SUMS_BYTES_MAX = 4 * 1024 * 1024
_FILES_MAX = 1_000


def make(git: Git, spec: ManualSpec, sha: str, release: str, folder: Path) -> None:
    """Build a release into a folder, wholly or not at all.

    Raises:
        TheirFault: its build failed or made no artefact (``build_failed``), or the disk did (``disk_failed``).
    """
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as place:
            tree, made = Path(place) / "tree", Path(place) / "made"
            made.mkdir()
            if spec.build:
                git.export(sha, str(tree))
                _build(spec, tree, Path(place), release, sha)
                _collect(spec, tree, made)
            else:
                _archive(git, sha, release, made)
            names = sorted(path.name for path in made.iterdir())
            lines = [f"{sha256_file(made / name)}  {name}\n" for name in names]
            about = {"release": release, "sha": sha, "tree_sha": git.tree_of(sha), "files": names}
            write_atomic(made / ABOUT, json.dumps(about, indent=1).encode())
            lines.append(f"{sha256_file(made / ABOUT)}  {ABOUT}\n")
            write_atomic(made / SUMS, "".join(lines).encode())
            if folder.exists():
                remove_tree(folder, folder.parent)
            made.rename(folder)
            sync_folder(folder.parent)
    except OSError as error:
        raise TheirFault("disk_failed", f"{folder} cannot be written: {error}.", "free space") from error


def altered(folder: Path) -> str:
    """Return "" when the artefacts are what was made, else what is wrong with them."""
    try:
        lines = read_bounded(folder / SUMS, _SUMS_BYTES_MAX).decode().splitlines()
        for line in lines:
            wanted, _, name = line.partition("  ")
            if Path(name).name != name or sha256_file(folder / name) != wanted:
                return f"{name} is not what was made"
    except (OSError, ValueError, TheirFault) as error:
        return f"they cannot be read ({error})"
    return "" if lines else "there are none"


def _archive(git: Git, sha: str, release: str, made: Path) -> None:
    name = f"{release}.tar.gz"
    words = ("archive", "--format=tar.gz", f"--prefix={release}/", f"--output={made / name}", sha)
    git.call(*words)


def _build(spec: ManualSpec, tree: Path, place: Path, release: str, sha: str) -> None:
    home = place / "home"
    home.mkdir()
    env = {**base_env(str(home)), "KEELWAY_RELEASE": release, "KEELWAY_SHA": sha}
    done = run(Command(spec.build, str(tree), env, spec.build_seconds_max))
    insist_built(done, spec.build, f"build of {release}", spec.build_seconds_max)


def _collect(spec: ManualSpec, tree: Path, made: Path) -> None:
    """Copy what the patterns name; links are not followed, and no name may be there twice."""
    found = {
        path
        for pattern in spec.artefacts
        for path in tree.glob(pattern)
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(tree.resolve())
    }
    if not found or len(found) > _FILES_MAX:
        raise TheirFault(
            "build_failed",
            f"The build made {len(found)} files that {', '.join(spec.artefacts)} name; 1 to {_FILES_MAX} are expected.",
            "correct artefacts or the build command",
        )
    for path in sorted(found):
        if (made / path.name).exists() or path.name in {SUMS, ABOUT}:
            raise TheirFault(
                "build_failed", f"Two artefacts would be called {path.name}.", "give each another name"
            )
        shutil.copyfile(path, made / path.name)
        shutil.copymode(path, made / path.name)
