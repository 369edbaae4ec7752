"""Run the configured commands of a platform: bounded, with its own environment and secrets only."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.git import Git
from keelway.clients.secret_file import resolve
from keelway.clients.shell import MARKER, Command, Done, base_env, run
from keelway.core.target.fill import fill_all
from keelway.core.target.spec import PlatformSpec
from keelway.ports.vault import Vault

ASK_SECONDS = 60.0
_OUTPUT_BYTES_MAX = 200_000
_SHOWN_CHARS = 2_000


@dataclass(frozen=True)
class Commands:
    """Run commands for one environment."""

    environment: str
    spec: PlatformSpec
    vault: Vault
    git: Git
    home: Path

    def ask(self, argv: tuple[str, ...], sha: str) -> tuple[Done, str]:
        """Run a command in an empty folder; return how it ended and, unless that was well, why."""
        with tempfile.TemporaryDirectory(prefix="keelway-platform-") as folder:
            return self._run(argv, sha, folder, ASK_SECONDS)

    def deploy(self, argv: tuple[str, ...], sha: str) -> str:
        """Run a command in a fresh checkout of a commit; return "" or why it failed."""
        with tempfile.TemporaryDirectory(prefix="keelway-platform-") as folder:
            tree = Path(folder) / "tree"
            self.git.export(sha, str(tree))
            return self._run(argv, sha, str(tree), self.spec.seconds_max, marked=True)[1]

    def _run(
        self, argv: tuple[str, ...], sha: str, folder: str, seconds_max: float, *, marked: bool = False
    ) -> tuple[Done, str]:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        env = {
            **base_env(str(self.home)),
            **self.spec.env,
            **{name: resolve(self.vault.reference(key)) for name, key in self.spec.secrets.items()},
            "KEELWAY_ENVIRONMENT": self.environment,
            "KEELWAY_SHA": sha,
            **({MARKER: f"platform-{uuid.uuid4().hex}"} if marked else {}),
        }
        words = fill_all(argv, sha=sha, environment=self.environment)
        done = run(Command(words, folder, env, seconds_max, _OUTPUT_BYTES_MAX))
        if done.passed:
            return done, ""
        why = f"it ended with {done.exit_code}"
        if done.could_not_start:
            why = f"it could not start: {done.could_not_start}"
        elif done.timed_out:
            why = f"it took longer than {seconds_max:g} s"
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        return done, f"{why}. Last lines: {self.vault.redact(said) or 'none'}"
