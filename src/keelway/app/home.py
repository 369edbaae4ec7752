"""Where everything of one project lies on disk; never inside the repository."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from keelway.app.config import environment_variables

ENVIRONMENT_NAME = "KEELWAY_HOME"


@dataclass(frozen=True)
class Home:
    """Name every place below the state directory of one project."""

    root: Path
    store_url: str = ""
    """Address of a store on PostgreSQL; empty for an SQLite file in the home."""

    @classmethod
    def of(cls, repository: Path, environ: dict[str, str] | None = None, store_url: str = "") -> Home:
        """Return the home of a repository: ``KEELWAY_HOME``, or a directory of its own in the XDG state home."""
        environ = environment_variables() if environ is None else environ
        if environ.get(ENVIRONMENT_NAME):
            return cls(Path(environ[ENVIRONMENT_NAME]).expanduser().resolve(), store_url)
        state = environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
        path = repository.resolve()
        name = re.sub(r"[^A-Za-z0-9._-]", "-", path.name) or "project"
        mark = hashlib.sha256(str(path).encode()).hexdigest()[:8]
        return cls(Path(state) / "keelway" / f"{name}-{mark}", store_url)

    @property
    def database_url(self) -> str:
        """Return the URL of the store and the engine."""
        return self.store_url or f"sqlite:///{quote(str(self.book))}"

    @property
    def book(self) -> Path:
        """Return the SQLite file of the store, whether it is used or not."""
        return self.root / "keelway.sqlite"

    @property
    def has_book(self) -> bool:
        """Tell whether there can be a book yet; only the server knows whether one on PostgreSQL is empty."""
        return bool(self.store_url) or self.book.is_file()

    @property
    def repository(self) -> Path:
        """Return the bare repository of the local forge."""
        return self.root / "repository.git"

    @property
    def workspaces(self) -> Path:
        """Return the directory of the tasks' private workspaces."""
        return self.root / "workspaces"

    @property
    def checkouts(self) -> Path:
        """Return the directory of the checks' clean checkouts."""
        return self.root / "checkouts"

    @property
    def agents(self) -> Path:
        """Return the directory of agent runs: private homes, transcripts."""
        return self.root / "agents"

    @property
    def server(self) -> Path:
        """Return the file in which the running control plane leaves its address and token."""
        return self.root / "server.json"

    @property
    def log(self) -> Path:
        """Return the log of the control plane."""
        return self.root / "keelway.log"

    def prepare(self) -> None:
        """Make the home, readable by its owner only.

        Raises:
            OSError: it cannot be made.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
