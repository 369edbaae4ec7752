"""Keep the releases of one environment and the newest epoch in a file, altered by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from keelway.clients.files import read_bounded, write_atomic
from keelway.clients.release.records import no_release
from keelway.core.codec import from_json, to_json
from keelway.core.errors import StaleEpoch, TheirFault
from keelway.core.release.version import release_name

_LOCK_SECONDS = 30.0
_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Known:
    """Hold what is known of an environment."""

    epoch: int = 0
    releases: dict[str, str] = field(default_factory=dict)
    """Commit by release."""
    served: tuple[str, ...] = ()
    """Releases that were live once."""
    live: str = ""
    """Release that is live as far as anybody said; empty when nobody did."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a release did not get live, by release."""

    def name_of(self, sha: str) -> str:
        """Return the release of a commit, empty for none; one that nobody noted has the name it would have."""
        if not sha:
            return ""
        return next((name for name, noted in self.releases.items() if noted == sha), release_name(sha))

    def sha_of(self, environment: str, release: str) -> str:
        """Return the commit of a release.

        Raises:
            YourFault: there is no such release (``no_release``).
        """
        if release not in self.releases:
            raise no_release(environment, release)
        return self.releases[release]

    def insist_free(self, environment: str, release: str, sha: str) -> None:
        """Insist that a name is that of this commit, or nobody's yet.

        Raises:
            TheirFault: it is another's (``release_taken``).
        """
        if self.releases.get(release, sha) != sha:
            raise TheirFault(
                "release_taken", f"{release} in {environment} is {self.releases[release]}, not {sha}."
            )

    def without(self, names: Collection[str]) -> Known:
        """Return the same without some releases."""
        return replace(self, releases={name: sha for name, sha in self.releases.items() if name not in names})

    def with_live(self, release: str) -> Known:
        """Return the same with a release that is live now."""
        served = (*(name for name in self.served if name != release), release)
        refused = {name: why for name, why in self.refused.items() if name != release}
        return replace(self, live=release, served=served, refused=refused)


class ReleaseBook:
    """Read and alter what is known of one environment."""

    def __init__(self, folder: Path, environment: str) -> None:
        self._path = folder / f"{environment}.json"
        self._environment = environment

    def read(self) -> Known:
        """Return what is known.

        Raises:
            TheirFault: the file is damaged (``book_damaged``).
        """
        try:
            return from_json(Known, json.loads(read_bounded(self._path, _BYTES_MAX)))
        except FileNotFoundError:
            return Known()
        except Exception as error:
            raise TheirFault(
                "book_damaged", f"{self._path} cannot be read: {error}.", "restore it from a backup"
            ) from error

    def alter(self, change: Callable[[Known], Known], *, epoch: int | None = None) -> Known:
        """Replace what is known; with an epoch, fence older holders off first.

        Raises:
            StaleEpoch: a newer holder has acted since.
            TheirFault: the file is damaged, cannot be written, or another process holds it for too long.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self._path}.lock", timeout=_LOCK_SECONDS):
                return self._altered(change, epoch)
        except Timeout:
            raise TheirFault("locked", f"Another process holds {self._path}.", "try again later") from None
        except OSError as error:
            raise TheirFault(
                "disk_failed", f"{self._path} cannot be written: {error}.", "free space"
            ) from error

    def claim(self, epoch: int) -> Known:
        """Fence older holders off and return what is known.

        Raises:
            StaleEpoch: a newer holder has acted since.
        """
        return self.alter(lambda known: known, epoch=epoch)

    def _altered(self, change: Callable[[Known], Known], epoch: int | None) -> Known:
        known = self.read()
        if epoch is not None:
            if epoch < known.epoch:
                raise StaleEpoch(
                    "stale_epoch",
                    f"A newer holder (epoch {known.epoch}) has acted on {self._environment} since.",
                )
            known = replace(known, epoch=epoch)
        done = change(known)
        write_atomic(self._path, json.dumps(to_json(done), indent=1, sort_keys=True).encode(), 0o600)
        return done
