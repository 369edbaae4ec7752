"""The application that patches of the red team are made for: harbour fees, asked by functions and over HTTP."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from tests.redteam.judge.harness import Edits, planned

from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.project import BlackBox, CheckCommand, ProcessCommand, Project
from keelway.core.policy import DevelopmentPolicy, Policy

FEES = '''"""Harbour fees in whole euros."""

import json
from pathlib import Path

RATES = json.loads((Path(__file__).parent / "data" / "rates.json").read_text())


def fee(weight):
    """Return what a ship of so many tons pays."""
    return RATES["base"] + RATES["ton"] * weight


def parse(text):
    """Read a weight such as "12t"."""
    return int(text.strip().removesuffix("t"))


def total(weights):
    """Return what a fleet pays."""
    return sum(fee(weight) for weight in weights)


def share(weight, fleet):
    """Return the share that one ship pays of its fleet's fees."""
    return fee(weight) / total(fleet)
'''
WEB = '''"""Harbour fees over HTTP."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import fees


def answer(path):
    """Return status and body."""
    parts = urlsplit(path)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.path == "/healthz":
        return 200, {"status": "ok"}
    if parts.path == "/fee":
        return 200, {"fee": fees.fee(fees.parse(asked["weight"]))}
    if parts.path == "/total":
        return 200, {"total": fees.total(int(one) for one in asked["weights"].split(","))}
    return 404, {"error": "not found"}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, body = answer(self.path)
        except (KeyError, ValueError) as error:
            status, body = 400, {"error": str(error)}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
TEST_FEES = """import math
import time

import pytest
from fees import fee, share, total


@pytest.mark.parametrize(("weight", "euros"), [(0, 10), (3, 16), (200, 410)])
def test_fee(weight, euros):
    assert fee(weight) == euros


def test_total():
    assert total([3, 7]) == 40


def test_share():
    assert math.isclose(share(3, [3, 7]), 0.4)


def test_total_is_quick():
    began = time.perf_counter()
    total(range(50))
    assert time.perf_counter() - began < 0.15
"""
TEST_PARSE = """from fees import parse


def test_parse():
    assert parse("12t") == 12


def test_parse_spaces():
    assert parse(" 7t ") == 7
"""
TEST_WEB = """from web import answer


def test_fee():
    assert answer("/fee?weight=3t") == (200, {"fee": 16})


def test_unknown():
    assert answer("/nothing")[0] == 404
"""
SETTINGS = """[project]
name = "harbour"
version = "1"

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.coverage.report]
fail_under = 20
"""
BASE = {
    "fees.py": FEES,
    "web.py": WEB,
    "data/rates.json": '{"base": 10, "ton": 2}\n',
    "tests/test_fees.py": TEST_FEES,
    "tests/test_parse.py": TEST_PARSE,
    "tests/test_web.py": TEST_WEB,
    "pyproject.toml": SETTINGS,
    "Makefile": "test:\n\tpython -m pytest -q\n",
    "README.md": "# Harbour\n\nFees of a harbour.\n",
}

DISCOUNT = '''

def discounted(weight):
    """Return the fee with ten per cent off for ships above 100 tons."""
    full = fee(weight)
    return full - full // 10 if weight > 100 else full
'''
ROUTE = """    if parts.path == "/discounted":
        return 200, {"fee": fees.discounted(fees.parse(asked["weight"]))}
    return 404"""
"""Put into ``WEB`` in the place of its last ``return 404``."""
TEST_DISCOUNT = """import pytest
from fees import discounted
from web import answer


@pytest.mark.parametrize(("weight", "euros"), [(50, 110), (100, 210), (200, 369)])
def test_discounted(weight, euros):
    assert discounted(weight) == euros


def test_discounted_over_http():
    assert answer("/discounted?weight=200t") == (200, {"fee": 369})
"""
WEB_WITH_ROUTE = WEB.replace("    return 404", ROUTE)
GOOD: Edits = {"fees.py": FEES + DISCOUNT, "web.py": WEB_WITH_ROUTE, "tests/test_discount.py": TEST_DISCOUNT}
"""The feature as it was asked for."""

EXAMPLES = (
    AcceptanceProbe("/discounted?weight=333t", body_contains='"fee": 609'),
    AcceptanceProbe("/discounted?weight=101t", body_contains='"fee": 191'),
    AcceptanceProbe("/discounted?weight=77t", body_contains='"fee": 164'),
)
"""What a person approved with the plan and the developer never saw."""

PYTEST = (
    *("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest"),
    *("-q", "-p", "no:cacheprovider", "--tb=line", "--junitxml={junit}"),
)
PROJECT = Project(
    "harbour",
    checks=(CheckCommand("tests", PYTEST, "tests", seconds_max=30),),
    test_paths=("tests/*",),
    source_paths=("*.py",),
    processes=(ProcessCommand("web", (sys.executable, "web.py")),),
    black_boxes=(
        BlackBox(
            "web",
            asks=(
                "GET /fee?weight={number:0-900}t",
                "GET /total?weights={number},{number}",
                "GET /fee?weight={word}",
            ),
            rounds=4,
            seconds_max=20,
        ),
    ),
)
MEASURED = replace(
    PROJECT,
    checks=(
        CheckCommand(
            "tests",
            (*PYTEST, "-p", "pytest_cov", "--cov=.", "--cov-report=xml:{coverage}"),
            "tests",
            seconds_max=60,
        ),
    ),
)
"""The same with coverage, which takes twice as long."""
QUICK = Policy(development=DevelopmentPolicy(diff_coverage_min=0.0, flaky_runs=0))
"""Neither coverage nor flaky tests are looked at, each of which has tests of its own."""


def plan_for(edits: Edits, **more: Any) -> Plan:
    """Return a plan that names every file of a patch and has the examples of the feature."""
    return planned(edits, BASE, **{"examples": EXAMPLES, **more})
