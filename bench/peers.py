"""Put the engines that Keelway is measured beside into a virtual environment of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE / ".venv"
PYTHON = PLACE / "bin" / "python"
PINS = HERE / "peers.txt"
PROBES = {
    "LangGraph": "import langgraph.graph, langgraph.checkpoint.sqlite, langgraph.checkpoint.postgres",
    "Prefect": "import prefect, prefect.server",
}
INSTALL_SECONDS_MAX = 600.0
IMPORT_SECONDS_MAX = 120.0


def _run(*argv: str, seconds: float) -> str:
    """Return an empty text when the command works, else the last line of what it says."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    words = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
    return "" if done.returncode == 0 else words[-1][:300]


def install() -> str:
    """Make the environment, or find it up to date; return what went wrong, or an empty text."""
    mark = PLACE / "installed.txt"
    if mark.is_file() and mark.read_text() == PINS.read_text():
        return ""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return "uv is missing; next: make bench, which brings it"
    wrong = _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PLACE), seconds=60)
    wrong = wrong or _run(
        *(uv, "pip", "install", "--quiet", "--python", str(PYTHON), "-r", str(PINS)),
        seconds=INSTALL_SECONDS_MAX,
    )
    if not wrong:
        mark.write_text(PINS.read_text())
    return wrong


def absent() -> dict[str, str]:
    """Return each peer that cannot be measured here, with the reason."""
    wrong = install()
    if wrong:
        return dict.fromkeys(PROBES, f"not installed: {wrong}")
    found = {
        name: _run(str(PYTHON), "-c", probe, seconds=IMPORT_SECONDS_MAX) for name, probe in PROBES.items()
    }
    return {name: f"does not start: {wrong}" for name, wrong in found.items() if wrong}
