"""Keep what releases were built from: a file that is written last, so that it means complete."""

from __future__ import annotations

import json
from typing import Generic, Protocol, TypeVar

from keelway.clients.files import read_bounded, write_atomic
from keelway.clients.places import Places
from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault, YourFault

NAME = "release.json"
_BYTES_MAX = 16 * 1024


def no_release(environment: str, release: str) -> YourFault:
    """Return what to say of a name that no release of an environment has."""
    return YourFault(
        "no_release", f"There is no release {release} in {environment}.", "build it, or choose another"
    )


class _Named(Protocol):
    """Have the name of a release."""

    @property
    def release(self) -> str:
        """Return the name of the release."""
        ...


R = TypeVar("R", bound=_Named)


class Records(Generic[R]):
    """Find and write the records of one kind of release."""

    def __init__(self, kind: type[R], places: Places) -> None:
        self._kind, self._places = kind, places

    def find(self, environment: str, release: str) -> R | None:
        """Return what a release was built from; None when it is not, or not wholly, built.

        Raises:
            TheirFault: its record is damaged (``release_damaged``).
        """
        path = self._places.release(environment, release) / NAME
        if not path.exists():
            return None
        try:
            return from_json(self._kind, json.loads(read_bounded(path, _BYTES_MAX)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise TheirFault(
                "release_damaged",
                f"{path} is damaged: {error}.",
                "remove the release's folder and build it again",
            ) from error

    def insist(self, environment: str, release: str) -> R:
        """Return what a release was built from.

        Raises:
            YourFault: there is no such release in the environment.
        """
        found = self.find(environment, release)
        if found is None:
            raise no_release(environment, release)
        return found

    def built(self, environment: str) -> tuple[R, ...]:
        """Return every complete release of an environment, in the order of names."""
        folder = self._places.releases(environment)
        names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        found = (self.find(environment, name) for name in names)
        return tuple(record for record in found if record is not None)

    def save(self, environment: str, record: R) -> None:
        """Declare a release complete."""
        path = self._places.release(environment, record.release) / NAME
        write_atomic(path, json.dumps(to_json(record), indent=1, sort_keys=True).encode(), 0o444)

    def forget(self, environment: str, release: str) -> None:
        """Declare a release gone, before anything of it is removed."""
        (self._places.release(environment, release) / NAME).unlink(missing_ok=True)
