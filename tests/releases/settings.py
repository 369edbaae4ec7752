"""The pier's ``keelway.toml``, with windows of seconds."""

from __future__ import annotations

import json
import re
import sys
import tomllib

from tests.releases.kinds.kind import Kind

HISTORY_SECONDS = 40.0
SETUP_SECONDS_MAX = 5.0


def settings(ports: tuple[int, int], kind: Kind | None = None) -> str:
    """Return the configuration for one kind of bad release, or for all that share a world."""
    python = json.dumps(sys.executable)
    window = kind.window_seconds if kind else 15.0
    text = f"""
[project]
name = "pier"
setup = [{python}, "prepare.py"]
setup_seconds_max = {SETUP_SECONDS_MAX}

[agent]
use = "replay"
script = "../plays.json"

[[check]]
name = "tests"
kind = "tests"
run = [{python}, "-m", "pytest", "-q", "--junitxml={{junit}}"]

[[process]]
name = "web"
run = [{python}, "web.py"]
stop_seconds = 2.0

[[process]]
name = "worker"
run = [{python}, "worker.py"]
stop_seconds = 2.0

[[probe]]
name = "healthz"
path = "/healthz"
body_contains = '"ok"'

[[probe]]
name = "ships"
path = "/ships"
body_contains = '"ships"'
headers = {{ Content-Type = "application/json" }}

[[probe]]
name = "report"
path = "/report"
body_contains = '"metres"'

[migrate]
up = [{python}, "migrate.py", "up"]
down = [{python}, "migrate.py", "down", "{{steps}}"]
status = [{python}, "migrate.py", "status"]
seconds_max = 10.0

[data]
sqlite = "{{data}}/pier.sqlite"
log = "{{data}}/pier.jsonl"
{_environment("staging", ports[0])}{_environment("production", ports[1])}
[policy.intake]
tasks_per_hour_max = 10000

[policy.staging]
window_seconds = 2.0
tick_seconds = 1.0
stabilise_seconds = 0.0
on_inconclusive = "pass"

[policy.production]
window_seconds = {window}
tick_seconds = 1.0
stabilise_seconds = 1.0
history_seconds = {HISTORY_SECONDS}

[policy.rollback]
health_seconds_max = 8.0
"""
    return merged(text + (kind.asks if kind else ""), kind.policy if kind else "")


def _environment(name: str, port: int) -> str:
    return f"""
[{name}]
port = {port}

[{name}.env]
PIER_DB = "{{data}}/pier.sqlite"
PIER_LOG = "{{log}}"
PIER_DATA = "{{data}}"
"""


def merged(text: str, more: str) -> str:
    """Add the lines of a kind below the heading that is there already, or at the end."""
    tomllib.loads(more)
    lines = text.splitlines()
    for block in [block for block in re.split(r"^\[", more, flags=re.MULTILINE) if block.strip()]:
        heading, _, body = block.partition("]")
        if f"[{heading}]" in lines:
            lines.insert(lines.index(f"[{heading}]") + 1, body.strip())
        else:
            lines += [f"[{heading}]", body.strip()]
    return "\n".join(lines) + "\n"
