"""Known vulnerabilities, by the real programs and a service on the loopback: what is new counts, silence asks a person."""

from __future__ import annotations

import json

import pytest
from tests.adapters.scanner.feed import feed
from tests.core.package.test_locked import npm as lock_of
from tests.core.package.test_locked import tarball, uv

from keelway.adapters.scanner.npm_audit import NpmAuditScanner
from keelway.adapters.scanner.pip_audit import PipAuditScanner
from keelway.core.scan.judge import ScanCase, judge_scans
from keelway.testing.conformance.scanner import Sample, ScannerTests, copies_of

pytestmark = pytest.mark.long

DEAD = "http://127.0.0.1:9/v1/query"
BAD, GOOD = uv(jinja="2.4.1"), uv(jinja="3.1.0")


@pytest.fixture
def advisories():
    with feed() as made:
        made.flaws = {"jinja": "3.0.0", "zod": "3.2.0"}
        yield made


class TestPipAudit(ScannerTests):
    @pytest.fixture
    def sample(self, advisories):
        return Sample(PipAuditScanner(feed=advisories.osv), "uv.lock", GOOD, BAD, 0)


class TestNpmAudit(ScannerTests):
    @pytest.fixture
    def sample(self, advisories):
        bad, good = (
            json.dumps({**json.loads(lock_of(zod=tarball("zod", version))), "lockfileVersion": 3})
            for version in ("3.1.0", "3.2.0")
        )
        return Sample(NpmAuditScanner(feed=advisories.url), "package-lock.json", good, bad, 0)


def codes(scanner, folder, path, head, base=None):
    tool = "npm_audit" if isinstance(scanner, NpmAuditScanner) else "pip_audit"
    report = scanner.scan(copies_of(folder, path, head, base))
    (finding,) = judge_scans((tool,), (report,), ScanCase((path,), {}))
    return finding.code, finding.message


def test_only_new_pins_are_asked_about(advisories, tmp_path):
    scanner = PipAuditScanner(feed=advisories.osv)
    base, head = uv(jinja="2.4.1"), uv(jinja="2.4.1", rich="14.0")
    assert codes(scanner, tmp_path / "a", "uv.lock", head, base)[0] == "scan_clean"
    assert [each["package"]["name"] for each in advisories.asked] == ["rich"]


def test_an_upgrade_that_mends_not_yet_is_no_worse(advisories, tmp_path):
    scanner = PipAuditScanner(feed=advisories.osv)
    assert codes(scanner, tmp_path / "a", "uv.lock", uv(jinja="2.5.0"), BAD)[0] == "scan_clean"
    code, said = codes(scanner, tmp_path / "b", "uv.lock", BAD, GOOD)
    assert code == "advisory_open"
    assert "GHSA-jinja" in said
    assert "mended in 3.0.0" in said


@pytest.mark.parametrize("feed_url", [DEAD, "nonsense"])
def test_a_service_that_is_not_there_asks_a_person(tmp_path, feed_url):
    scanner = PipAuditScanner(feed=feed_url, seconds_max=30)
    assert codes(scanner, tmp_path / "a", "uv.lock", BAD)[0] == "advisory_unknown"


def test_a_service_that_breaks_asks_a_person(advisories, tmp_path):
    advisories.status = 500
    assert (
        codes(PipAuditScanner(feed=advisories.osv), tmp_path / "a", "uv.lock", BAD)[0] == "advisory_unknown"
    )
    lock = json.dumps({**json.loads(lock_of(zod=tarball("zod", "3.1.0"))), "lockfileVersion": 3})
    assert (
        codes(NpmAuditScanner(feed=advisories.url), tmp_path / "b", "package-lock.json", lock)[0]
        == "advisory_unknown"
    )


def test_a_registry_that_is_not_there_asks_a_person(tmp_path):
    lock = json.dumps({**json.loads(lock_of(zod=tarball("zod", "3.1.0"))), "lockfileVersion": 3})
    scanner = NpmAuditScanner(feed="http://127.0.0.1:9", seconds_max=30)
    assert codes(scanner, tmp_path / "a", "package-lock.json", lock)[0] == "advisory_unknown"


def test_time_is_bounded(advisories, tmp_path):
    scanner = PipAuditScanner(feed=advisories.osv, seconds_max=0.01)
    code, said = codes(scanner, tmp_path / "a", "uv.lock", BAD)
    assert (code, "was stopped" in said) == ("advisory_unknown", True)


def test_requirements_are_read_and_loose_ones_are_not_spoken_for(advisories, tmp_path):
    scanner = PipAuditScanner(feed=advisories.osv)
    assert codes(scanner, tmp_path / "a", "requirements.txt", "jinja==2.4.1\n")[0] == "advisory_open"
    code, said = codes(scanner, tmp_path / "b", "requirements.txt", "-r x.txt\njinja==3.1.0\nrich\n")
    assert code == "advisory_unknown"
    assert "pins 1 of 2" in said


def test_a_lock_file_that_cannot_be_read_is_not_passed(advisories, tmp_path):
    assert codes(PipAuditScanner(feed=advisories.osv), tmp_path / "a", "uv.lock", "[")[0] == "scanner_failed"
    assert (
        codes(NpmAuditScanner(feed=advisories.url), tmp_path / "b", "package-lock.json", "[")[0]
        == "scanner_failed"
    )


def test_the_manifest_of_a_patch_is_not_shown_to_npm(advisories, tmp_path):
    wicked = json.loads(lock_of(zod=tarball("zod", "3.2.0")))
    wicked["packages"][""] = {"scripts": {"preaudit": "touch /tmp/evil"}, "dependencies": {"zod": "^3.2.0"}}
    wicked["lockfileVersion"] = 3
    copies = copies_of(tmp_path / "a", "package-lock.json", json.dumps(wicked))
    assert NpmAuditScanner(feed=advisories.url).scan(copies).examined == ("package-lock.json",)
    (made,) = (tmp_path / "a").glob("npm-*/package.json")
    assert "scripts" not in made.read_text()
