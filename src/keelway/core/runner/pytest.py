"""pytest: all tests share one process, so one failing test vouches for all."""

from __future__ import annotations

from keelway.core.runner.runner import Reach, Runner, Seed, Texts, below, folder_of, program


def _seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    home = folder_of(next(iter(texts)))
    text = f'def test_{name}():\n    raise AssertionError("this test has to fail")\n'
    return (Seed(f"test_{name}", below(home, f"test_{name}.py"), text),)


PYTEST = Runner(
    "pytest",
    program(r"(?:pytest|py\.test)"),
    ("test_*.py", "*_test.py"),
    (".py",),
    Reach.RUN,
    _seed,
    install="pip install pytest",
)
