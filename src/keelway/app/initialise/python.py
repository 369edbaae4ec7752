"""Python projects: uv or pip, pytest, ruff, mypy, and the usual web frameworks."""

from __future__ import annotations

import re
import tomllib

from keelway.app.initialise.draft import Draft, FoundCheck, Repository

_ASGI = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:FastAPI|Starlette|Litestar|Quart)\(", re.MULTILINE)
_WSGI = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*Flask\(", re.MULTILINE)
_HEALTH = re.compile(r"""["'](/(?:healthz?|health-check|healthcheck|livez|readyz|ping|up))/?["']""")
_WEB_FILES_MAX = 300
_PIP_SETUP = "python3 -m venv .venv && .venv/bin/pip install --quiet -r {file}"


def recognise(repository: Repository) -> Draft | None:
    """Return what a Python project looks like, ``None`` when it is none."""
    files = repository.files(".py")
    if not files or not (
        repository.has("pyproject.toml", "requirements.txt", "setup.py", "manage.py") or _flat(files)
    ):
        return None
    known = _names(repository)
    checks, coverage = _checks(repository, files, known)
    setup = _setup(repository)
    web, health = _web(repository, files)
    notes = []
    if not coverage:
        notes.append("pytest-cov is not among the dependencies, so no changed line has to be run by a test.")
    return Draft(
        "Python",
        setup,
        (".venv/bin",) if setup else (),
        checks,
        web,
        health,
        tests=("tests/*", "test_*.py", "*_test.py", "*/test_*.py", "*conftest.py"),
        sources=("src/*.py",) if any(name.startswith("src/") for name in files) else ("*.py",),
        coverage=coverage,
        notes=tuple(notes),
    )


def _flat(files: tuple[str, ...]) -> bool:
    return any("/" not in name for name in files)


def _names(repository: Repository) -> str:
    """Return all places that name dependencies as one lower-case text."""
    names = ("pyproject.toml", "requirements.txt", "requirements-dev.txt", "setup.cfg", "tox.ini")
    return "\n".join(repository.text(name) for name in names).lower()


def _setup(repository: Repository) -> tuple[str, ...]:
    if repository.has("uv.lock"):
        return ("uv", "sync", "--frozen")
    for name in ("requirements-dev.txt", "requirements.txt"):
        if repository.has(name):
            return ("sh", "-c", _PIP_SETUP.format(file=name))
    if repository.has("pyproject.toml") and "build-system" in _tables(repository):
        return ("sh", "-c", "python3 -m venv .venv && .venv/bin/pip install --quiet -e .")
    return ()


def _tables(repository: Repository) -> frozenset[str]:
    try:
        return frozenset(tomllib.loads(repository.text("pyproject.toml")))
    except tomllib.TOMLDecodeError:
        return frozenset()


def _checks(
    repository: Repository, files: tuple[str, ...], known: str
) -> tuple[tuple[FoundCheck, ...], bool]:
    checks = []
    if "ruff" in known or repository.has("ruff.toml", ".ruff.toml"):
        checks.append(FoundCheck("lint", "lint", ("ruff", "check", "--no-cache", ".")))
    if "mypy" in known or repository.has("mypy.ini"):
        where = "src" if any(name.startswith("src/") for name in files) else "."
        checks.append(FoundCheck("types", "types", ("mypy", "--cache-dir=/dev/null", where)))
    coverage = "pytest-cov" in known
    if "pytest" in known or any("test" in name for name in files):
        run = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={junit}")
        more = ("--cov", "--cov-report=xml:{coverage}") if coverage else ()
        checks.append(FoundCheck("tests", "tests", (*run, *more)))
    return tuple(checks), coverage


def _web(repository: Repository, files: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    web: tuple[str, ...] = ()
    health = ""
    sources = [name for name in files if not name.startswith(("tests/", "test_"))][:_WEB_FILES_MAX]
    for name in sources:
        text = repository.text(name)
        found = _HEALTH.search(text)
        health = health or (found[1] if found else "")
        web = web or _command(name, text)
    if repository.has("manage.py") and "django" in repository.text("manage.py").lower():
        web = ("python", "manage.py", "runserver", "--noreload", "127.0.0.1:{port}")
    return web, health or "/healthz"


def _command(name: str, text: str) -> tuple[str, ...]:
    module = name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    asgi, wsgi = _ASGI.search(text), _WSGI.search(text)
    if asgi:
        return ("uvicorn", f"{module}:{asgi[1]}", "--port", "{port}")
    if wsgi:
        return ("flask", "--app", f"{module}:{wsgi[1]}", "run", "--port", "{port}")
    if "ThreadingHTTPServer(" in text and "__main__" in text:
        return ("python3", name)
    return ()
