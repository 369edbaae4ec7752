"""The play of the end-to-end tests: mend ``calc.py``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.agents.model_server.script import Edit, Finish, Intent, Plan, Read, Run, Script, Turn, Write

CALC_FILES = {
    "calc.py": '"""Calculate."""\n\n\ndef add(a, b):\n    """Return the sum."""\n    return a - b\n',
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
    "check.py": "import calc\n\nassert calc.add(2, 3) == 5, calc.add(2, 3)\nprint('all is well')\n",
}
"""A broken program, its test for pytest, and a check that needs nothing but Python."""

EDIT = Edit("calc.py", "    return a - b", "    return a + b")
CHANGES = Write("CHANGES.md", "# Changes\n\n- `add` adds.\n")


def calc_play(*, test: str = "python3 check.py", plan: bool = False, name: str = "calc") -> Script:
    """Return the play: read, mend, write down, test, finish."""
    steps: list[tuple[str, Intent]] = [
        ("I read the program first.", Read("calc.py")),
        ("The sign is wrong.", EDIT),
        ("I write down what changed.", CHANGES),
        ("Now the test.", Run(test)),
        ("The sum is right now.", Finish()),
    ]
    if plan:
        steps.insert(1, ("This is what I will do.", Plan(("Mend add", "Write CHANGES.md", "Run the test"))))
    return Script(tuple(Turn(say, (does,)) for say, does in steps), name=name)


def calc_workspace(folder: Path) -> Path:
    """Make a fresh git repository with the broken program and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in CALC_FILES.items():
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "A broken sum"]):
        subprocess.run([*git, *arguments], check=True)
    return folder
