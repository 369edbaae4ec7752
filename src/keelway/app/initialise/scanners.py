"""Which scanners this machine has, and which of them fit an application."""

from __future__ import annotations

from keelway.app.initialise.draft import Repository
from keelway.clients.tool.program import find_program

_PROGRAMS = {
    "detect_secrets": "detect-secrets",
    "bandit": "bandit",
    "zizmor": "zizmor",
    "pip_audit": "pip-audit",
    "npm_audit": "npm",
}
_WORKFLOWS = ".github/workflows"


def scanners_for(repository: Repository) -> tuple[str, ...]:
    """Return the scanners that are installed here and concern a file that the repository has; nothing is run."""
    python = bool(repository.files(".py"))
    fitting = {
        "detect_secrets": True,
        "bandit": python,
        "zizmor": (repository.root / _WORKFLOWS).is_dir(),
        "pip_audit": repository.has("uv.lock", "poetry.lock", "requirements.txt"),
        "npm_audit": repository.has("package-lock.json", "npm-shrinkwrap.json"),
    }
    return (
        "known_secrets",
        *(tool for tool, fits in fitting.items() if fits and find_program(_PROGRAMS[tool])),
    )
