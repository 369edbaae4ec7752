"""A command that only prints something pays nothing for logs, figures and spans."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from keelway.cli.main import main
sys.argv = ["keelway", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = ("structlog", "prometheus_client", "opentelemetry", "keelway.telemetry")
print([name for name in sys.modules if name.startswith(heavy)], file=sys.stderr)
"""


def test_help_loads_no_telemetry():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert done.stderr.strip() == "[]"
