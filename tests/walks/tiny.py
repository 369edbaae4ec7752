"""A small repository that is not Harbor: a standard-library web service with tests, and plays for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from keelway.clients.control import free_port

APP = '''"""A greeter."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(path):
    """Return status and body."""
    if path == "/healthz":
        return 200, {"status": "ok"}
    if path == "/hello":
        return 200, {"hello": "world"}
    return 404, {"error": "not found"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body = answer(self.path.split("?")[0])
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def main():
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
MAIN = "from greeter import main\n\nmain()\n"
TESTS = """from greeter import answer


def test_health():
    assert answer("/healthz")[0] == 200


def test_hello():
    assert answer("/hello")[1] == {"hello": "world"}


def test_unknown():
    assert answer("/nothing")[0] == 404
"""
BYE = APP.replace(
    '    return 404, {"error"',
    '    if path == "/bye":\n        return 200, {"bye": "world"}\n    return 404, {"error"',
)
BYE_TEST = (
    'from greeter import answer\n\n\ndef test_bye():\n    assert answer("/bye") == (200, {"bye": "world"})\n'
)
PLAN = {
    "title": "Say goodbye",
    "approach": "Answer GET /bye.",
    "kind": "feat",
    "create": ["tests/test_bye.py"],
    "modify": ["greeter.py"],
    "probes": [{"path": "/bye", "status": 200, "body_contains": "bye"}],
    "test_plan": ["GET /bye answers"],
    "usage": "curl /bye",
    "lines_estimate": 8,
}
REMARK = {"path": "greeter.py", "line": 14, "severity": "note", "text": "Two answers; a table would do."}
REVIEW = {"verdict": "comment", "summary": "It says goodbye.", "comments": [REMARK]}
PLAYS: dict[str, Any] = {
    "plays": [
        {"match": "bye", "role": "plan", "steps": [{"do": "say", "text": json.dumps(PLAN)}]},
        {
            "match": "bye",
            "role": "dev",
            "steps": [
                {"do": "edit", "path": "greeter.py", "text": BYE},
                {"do": "edit", "path": "tests/test_bye.py", "text": BYE_TEST},
            ],
        },
        {
            "match": "bye",
            "role": "review",
            "steps": [
                {"do": "read", "path": "greeter.py"},
                {"do": "edit", "path": "greeter.py", "text": "hijacked = True\n"},
                {"do": "say", "text": json.dumps(REVIEW)},
            ],
        },
    ]
}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    ports: list[int] = []
    while len(ports) < count:
        ports.append(free_port(frozenset(ports)))
    return ports


def config(ports: list[int]) -> str:
    """Return a keelway.toml with windows of a few seconds."""
    python = sys.executable
    return f"""
[project]
name = "greeter"
sources = ["*.py"]
tests = ["tests/*"]

[agent]
use = "replay"
script = "../plays.json"

[[check]]
name = "tests"
kind = "tests"
run = ["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={{junit}}", "--cov=.", "--cov-report=xml:{{coverage}}"]

[[process]]
name = "web"
run = ["{python}", "start.py"]

[[probe]]
name = "healthz"
path = "/healthz"

[staging]
port = {ports[0]}

[production]
port = {ports[1]}

[policy.review]
auto_merge_risk = "medium"

[policy.staging]
window_seconds = 2.0
tick_seconds = 1.0
stabilise_seconds = 0.0
on_inconclusive = "pass"

[policy.production]
window_seconds = 3.0
tick_seconds = 1.0
stabilise_seconds = 1.0
on_inconclusive = "pass"
"""


def git(repository: Path, *arguments: str) -> str:
    """Run git as the person who owns the repository."""
    done = subprocess.run(
        ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def make_repository(folder: Path) -> Path:
    """Make the repository, its plays beside it, and a keelway.toml that is not committed with secrets."""
    repository = folder / "greeter"
    (repository / "tests").mkdir(parents=True)
    (repository / "greeter.py").write_text(APP)
    (repository / "start.py").write_text(MAIN)
    (repository / "pytest.ini").write_text("[pytest]\naddopts = -p no:asyncio\n")
    (repository / "tests" / "test_greeter.py").write_text(TESTS)
    (folder / "plays.json").write_text(json.dumps(PLAYS))
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "Greet")
    return repository
