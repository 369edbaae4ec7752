"""Source that behaves for its judge is found; ordinary source is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.judge.tamper import is_python, judge_source, judge_sources
from keelway.core.model.verdict import Ruling, combine


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import pytest", "tamper_runner_import"),
        ("import unittest.mock as m", "tamper_runner_import"),
        ("from _pytest.runner import x", "tamper_runner_import"),
        ("def f():\n    from unittest import mock", "tamper_runner_import"),
        ("__import__('pluggy')", "tamper_runner_import"),
        ("import importlib\nimportlib.import_module('coverage.control')", "tamper_runner_import"),
        ("import os\nif os.environ.get('PYTEST_CURRENT_TEST'): pass", "tamper_runner_name"),
        ("import sys\nfast = 'pytest' in sys.modules", "tamper_runner_name"),
        ("x = f'{1}PYTEST_VERSION'", "tamper_runner_name"),
        ("import os\nos.getenv('KEELWAY_STAGE')", "tamper_runner_name"),
        ("import sys\nsys._getframe(1)", "tamper_frames"),
        ("import inspect as i\ni.stack()", "tamper_frames"),
        ("from inspect import currentframe as c\nc()", "tamper_frames"),
        ("import gc\ngc.get_objects()", "tamper_frames"),
        ("import os\ndef f():\n    os._exit(0)", "tamper_exit"),
        ("from os import _exit\n_exit(0)", "tamper_exit"),
        ("import sys\nsys.exit(0)", "tamper_exit"),
        ("raise SystemExit", "tamper_exit"),
        ("class A:\n    exit()", "tamper_exit"),
        ("import sys\nif True:\n    sys.exit()", "tamper_exit"),
        ("class A:\n    def __eq__(self, other):\n        return True", "tamper_equality"),
        ("class A:\n    def __ne__(self, other):\n        return False", "tamper_equality"),
        (
            "class A:\n    def __eq__(self, other):\n        'Same.'\n        if other:\n            return 1\n        return True",
            "tamper_equality",
        ),
        ("class A:\n    __eq__ = lambda self, other: True", "tamper_equality"),
        ("import builtins\nbuiltins.open = None", "tamper_builtins"),
        ("import sys\nsys.modules['json'] = None", "tamper_builtins"),
        ("import sys\ndel sys.modules['json']", "tamper_builtins"),
        ("import sys\nsys.modules['_py' + 'test.' + 'runner']", "tamper_runner_name"),
        ("x = ''.join(['py', 'te', 'st'])", "tamper_runner_name"),
        ("x = 'TEST'.join(('PY', '_CURRENT'))", "tamper_runner_name"),
        ("import time\ntime.perf_counter = lambda: 0", "tamper_module"),
        ("import math as m\ndel m.isclose", "tamper_module"),
        ("import datetime\ndatetime.datetime.now = f", "tamper_module"),
        ("import os.path\nos.path.exists = f", "tamper_module"),
        ("import math\nsetattr(math, 'isclose', f)", "tamper_module"),
        ("import math\ndelattr(math, name)", "tamper_module"),
        ("open('tests/test_app.py')", "tamper_test_file"),
        ("x = 'conftest.py'", "tamper_test_file"),
        ("import sys\nany(w.startswith('--junit') for w in sys.argv)", "tamper_test_file"),
        ("A = type('A', (int,), {'__eq__': lambda s, o: bool([o])})", "tamper_equality"),
        ("setattr(A, '__ne__', f)", "tamper_equality"),
        ("A.__eq__ = f", "tamper_equality"),
        ("def f(:", "source_unreadable"),
        ("x = '\0'", "source_unreadable"),
    ],
)
def test_tampering(text: str, code: str) -> None:
    findings = judge_source("app/a.py", text)
    assert {finding.code for finding in findings} == {code}
    assert all(finding.ruling is Ruling.FAIL and "app/a.py" in finding.message for finding in findings)


def test_source_that_is_too_deep_to_read_fails() -> None:
    assert [finding.code for finding in judge_source("a.py", "-" * 100_000 + "1")] == ["source_unreadable"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""Tested by pytest."""\n\ndef f():\n    """See PYTEST_ADDOPTS."""\n',
        "import sys\nif __name__ == '__main__':\n    sys.exit(main())",
        "import sys\ndef main():\n    sys.exit(1)\nend = lambda: sys.exit(2)",
        "class A:\n    def __eq__(self, other):\n        return self.x == other.x",
        "class A:\n    def __eq__(self, other):\n        if other is None:\n            return False\n        return NotImplemented",
        "class A:\n    def __eq__(self, other): ...",
        "class A:\n    def __eq__(self, other):\n        return",
        "a.b = lambda: True\n__lt__ = lambda s, o: True\nx = y = lambda: 1",
        "from . import pytest\nfrom .unittest import x",
        "import inspect\ninspect.signature(f)",
        "import sys\nprint(sys.modules['json'])\nx().y = 1\nx()[0] = 1",
        "import importlib\nimportlib.import_module(name)\n__import__(1)\n__import__()",
        "pattern = '\\d'",
        "from os import path as p\np.join('a')",
        "latest = 'latest pytest news'",
        "x = 'py' + test\ny = 'py' - 'test'\nz = '-'.join(['py', 'test'])\n' '.join(words)\n''.join()\nw.join(['pytest '])",
        "import sys, logging\nsys.excepthook = f\nsys.path = []\nlogging.raiseExceptions = False",
        "import requests\nrequests.get = f",
        "json.x = 1\nsetattr(self, 'x', 1)\nsetattr(self)\nsetattr()\nimport os\nsetattr(os)",
        "route = '/test/api'\nenv = 'test'\n{**a, 'eq': 1}\n{1: 2}",
    ],
)
def test_ordinary_source(text: str) -> None:
    assert judge_source("app/a.py", text) == ()


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(judge_source("a.py", text), tuple)


def test_every_given_source_is_read_and_an_absent_one_fails() -> None:
    texts = {"app/a.py": "x = 1", "app/test/b.py": "y = 1"}
    findings = judge_sources(list(texts), texts)
    assert combine("judge", findings).passed
    assert findings[0].examined == 2
    assert [finding.code for finding in judge_sources(["app/b.py"], texts)] == ["source_unread"]
    assert not combine("judge", judge_sources(["app/b.py"], texts)).passed
    assert [finding.code for finding in judge_sources(["app/a.py"], {"app/a.py": "import pytest"})] == [
        "tamper_runner_import"
    ]
    assert combine("judge", judge_sources([], {})).ruling is Ruling.FAIL


def test_what_was_suspicious_before_is_no_fault_of_the_patch() -> None:
    before = "import os\n\n\ndef stop():\n    os._exit(3)\n"
    honest = "import os\n\nCODE = 3\n\n\ndef stop():\n    os._exit(CODE)\n"
    assert judge_source("app/a.py", honest, before) == ()
    twice = judge_source("app/a.py", honest + "    os._exit(0)\n", before)
    assert [finding.evidence["line"] for finding in twice] == ["8"]
    other = judge_source("app/a.py", honest + "    os.abort()\n", before)
    assert [finding.code for finding in other] == ["tamper_exit"]
    assert judge_source("app/a.py", before, "this is (no Python")
    assert judge_sources(["app/a.py"], {"app/a.py": honest}, {"app/a.py": before})[0].code == "no_tampering"


def test_python_is_known_by_its_name() -> None:
    assert is_python("a/b.py")
    assert not is_python("a/b.go")
