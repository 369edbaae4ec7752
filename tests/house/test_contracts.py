"""The import contracts hold, and would catch a violation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_go_down_only() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_no_mocks_anywhere() -> None:
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
        if path != Path(__file__)
        and "unittest.mock" in path.read_text().replace("core/judge", "")
        and "tamper" not in path.name
        and "judge" not in path.as_posix()
        and "risk" not in path.as_posix()
    ]
    assert wrong == []
