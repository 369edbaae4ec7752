"""A tiny application in a repository of its own, for commands that start real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.rig import Said, keelway

from keelway.clients.control import free_port

WEB = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""

TOML = """
[project]
name = "shop"
[[check]]
name = "tests"
kind = "tests"
run = [{python}, "-m", "pytest", "-q", "--junitxml={{junit}}"]
[[process]]
name = "web"
run = [{python}, "web.py"]
stop_seconds = 1
[staging]
port = {staging}
[production]
port = {production}
[agent]
use = "acp"
argv = ["no-such-agent-here"]
"""


@dataclass
class Shop:
    """Hold the repository and the home of a project."""

    root: Path
    home: Path
    staging: int
    production: int

    @classmethod
    def build(cls, place: Path) -> Shop:
        """Make one; its home is not made."""
        root = place / "shop"
        root.mkdir()
        staging = free_port(frozenset())
        production = free_port(frozenset({staging}))
        (root / "web.py").write_text(WEB)
        (root / "keelway.toml").write_text(
            TOML.format(python=json.dumps(sys.executable), staging=staging, production=production)
        )
        shop = cls(root, place / "home", staging, production)
        shop.git("init", "-q", "-b", "main")
        shop.commit()
        return shop

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        identity = ("-c", "user.name=t", "-c", "user.email=t@t")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", ".")
        self.git("commit", "-qm", "next")

    def change(self, old: str, new: str) -> None:
        """Alter the configuration and commit it."""
        path = self.root / "keelway.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.commit()

    def __call__(self, *words: str, seconds: float = 90.0) -> Said:
        """Run a command in the repository."""
        return keelway(self.root, self.home, *words, seconds=seconds)

    def traces(self) -> list[str]:
        """Name every file of the project and its home, git's own left out."""
        found = [*self.root.rglob("*"), *self.home.rglob("*")]
        return sorted(str(path) for path in found if ".git/" not in path.as_posix())
