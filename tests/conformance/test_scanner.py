"""Every scanner keeps the promises of its port, on the real program."""

from __future__ import annotations

import pytest

from keelway.adapters.scanner.bandit import BanditScanner
from keelway.adapters.scanner.detect_secrets import DetectSecretsScanner
from keelway.adapters.scanner.known_secrets import KnownSecretsScanner
from keelway.adapters.scanner.zizmor import ZizmorScanner
from keelway.testing.conformance.scanner import Sample, ScannerTests
from keelway.testing.fakes.scanner import FakeScanner
from keelway.testing.fakes.vault import FakeVault

HELD = "correct-horse-battery-staple-9"
KEY = "AKIA" + "Q3EGRJZ7NHXW5TPM"
FLOW = """name: ci
on:
  push:
permissions: {}
jobs:
  test:
    name: test
    runs-on: ubuntu-24.04
    steps:
      - name: say
        run: echo done
"""
UNSAFE_FLOW = FLOW.replace("  push:", "  pull_request_target:").replace(
    "echo done", 'echo "${{ github.event.pull_request.title }}"'
)


class TestFakeScanner(ScannerTests):
    @pytest.fixture
    def sample(self):
        return Sample(FakeScanner(), "a.py", "one = 1\n", "one = 1\nflaw = 2\n", 2)


class TestKnownSecrets(ScannerTests):
    @pytest.fixture
    def sample(self):
        scanner = KnownSecretsScanner(FakeVault({"DB_PASSWORD": HELD}))
        return Sample(scanner, "a.py", "one = 1\n", f'one = 1\nkey = "{HELD}"\n', 2, HELD)


class TestDetectSecrets(ScannerTests):
    @pytest.fixture
    def sample(self):
        return Sample(DetectSecretsScanner(), "a.py", "one = 1\n", f'one = 1\nkey = "{KEY}"\n', 2, KEY)


class TestBandit(ScannerTests):
    @pytest.fixture
    def sample(self):
        flawed = "import pickle\n\n\ndef load(raw):\n    return pickle.loads(raw)\n"
        return Sample(BanditScanner(), "src/a.py", "one = 1\n", flawed, 5)


class TestZizmor(ScannerTests):
    @pytest.fixture
    def sample(self):
        return Sample(ZizmorScanner(), ".github/workflows/ci.yml", FLOW, UNSAFE_FLOW, 11)
