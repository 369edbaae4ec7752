"""Keep large artefacts in an S3-compatible object store that all hosts share.

Endpoint, region and keys come from the environment variables that obstore reads itself:
``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``. Nothing of
them is kept or logged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from keelway.core.errors import TheirFault, YourFault
from keelway.store.depot.depot import Depot, Item

CONNECT_SECONDS, ANSWER_SECONDS, RETRY_SECONDS = 5, 60, 15
RETRIES_MAX = 3
_CAUSE_CHARS_MAX = 400


class S3Depot:
    """Keep bytes as objects of a bucket (``store.depot.depot.Depot``); reached when it is first used.

    Args:
        url: ``s3://bucket`` or ``s3://bucket/prefix``.

    Raises:
        YourFault: the package for it is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore
        except ModuleNotFoundError as problem:
            raise YourFault(
                "driver_missing",
                f"Artefacts go to {url}, and the package obstore that speaks with it is not installed.",
                'pip install "keelway[s3]"',
            ) from problem
        self._url = url
        self._client: Any = obstore
        self._bucket: Any = None

    def put(self, sha: str, raw: bytes) -> None:
        """Keep bytes; an object of that size is not written again.

        Raises:
            TheirFault: the object store is away or says no.
        """
        with self._told("written"):
            if not self._holds(sha, len(raw)):
                self._client.put(self._open(), sha, raw)

    def get(self, sha: str) -> bytes:
        """Return the content of an object.

        Raises:
            TheirFault: it is gone (``artefact_lost``), or the object store is away.
        """
        with self._told("read"):
            try:
                return bytes(self._client.get(self._open(), sha).bytes())
            except FileNotFoundError as problem:
                raise TheirFault(
                    "artefact_lost",
                    f"The artefact sha256:{sha} is not in {self._url} any more.",
                    "restore the object from a backup of the bucket",
                ) from problem

    def remove(self, name: str) -> None:
        """Remove an object.

        Raises:
            TheirFault: the object store is away or says no.
        """
        with self._told("removed"):
            try:
                self._client.delete(self._open(), name)
            except FileNotFoundError:
                return

    def items(self) -> Iterator[Item]:
        """Yield every object under the prefix.

        Raises:
            TheirFault: the object store is away or says no.
        """
        with self._told("listed"):
            for page in self._client.list(self._open()):
                for told in page:
                    yield Item(told["path"], told["size"], told["last_modified"])

    def _holds(self, sha: str, size: int) -> bool:
        try:
            return bool(self._client.head(self._open(), sha)["size"] == size)
        except FileNotFoundError:
            return False

    def _open(self) -> Any:
        if self._bucket is None:
            from obstore.store import from_url

            self._bucket = from_url(
                self._url,
                client_options={
                    "allow_http": True,  # who names an endpoint without TLS means it
                    "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                    "timeout": timedelta(seconds=ANSWER_SECONDS),
                },
                retry_config={
                    "max_retries": RETRIES_MAX,
                    "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                },
            )
        return self._bucket

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as problem:
            if isinstance(problem, TheirFault):
                raise
            cause = " ".join(str(problem).split("Debug source:")[0].split())[:_CAUSE_CHARS_MAX].rstrip(". :")
            raise TheirFault(
                "artefacts_unavailable",
                f"The artefact cannot be {what} in {self._url}: {cause}. Nothing was changed.",
                "see the bucket and the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY; then keelway doctor",
            ) from problem


_check: type[Depot] = S3Depot
