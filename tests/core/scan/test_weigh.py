"""Scanners, lock files and migrations are weighed together, and raise the risk of a patch."""

from __future__ import annotations

import json

from keelway.core.model.verdict import Ruling
from keelway.core.policy import Policy, ScanPolicy
from keelway.core.scan.report import ScanReport
from keelway.core.scan.weigh import NOTHING_WEIGHED, Question, weigh

POLICY = Policy(scan=ScanPolicy(tools=("known_secrets",)))


def question(*paths: str, **more) -> Question:
    return Question(paths, dict.fromkeys(paths, (1,)), **more)


def weighed(asked: Question, base=(), head=(), migrations=()):
    reports = (ScanReport("known_secrets", "1", asked.paths),)
    return weigh(asked, POLICY, reports, dict(base), dict(head), dict(migrations))


def test_a_plain_patch_is_clean_and_calm():
    found = weighed(question("a.py"))
    assert [(finding.code, finding.ruling) for finding in found.findings] == [("scan_clean", Ruling.PASS)]
    assert (found.risk.level, found.risk.factors) == ("low", ())


def test_what_only_a_backup_takes_back_is_a_middle_risk():
    path = "db/migrations/0001_fill.sql"
    found = weighed(question(path, backed_up=True), migrations={path: "UPDATE ships SET name = upper(name);"})
    assert (found.risk.level, found.risk.score) == ("medium", 25)
    assert "backup" in found.risk.factors[0]


def test_what_cannot_be_taken_back_is_the_highest_risk_and_goes_first():
    low, high = "db/migrations/0001_fill.sql", "db/migrations/0002_drop.sql"
    texts = {low: "UPDATE ships SET name = 'x';", high: "DROP TABLE ships;"}
    found = weighed(question(low, high, backed_up=True), migrations=texts)
    assert (found.risk.level, found.risk.score) == ("high", 75)
    assert found.risk.factors[0].startswith(high)
    assert {finding.code for finding in found.findings} >= {
        "migration_restore_only",
        "migration_irreversible",
    }
    assert all(finding.ruling is Ruling.PASS for finding in found.findings)


def test_a_lock_file_is_read_beside_its_manifest():
    asked = question("web/package.json")
    assert asked.asks_for_locks
    assert asked.locks_in(("web/package.json", "web/package-lock.json", "package-lock.json")) == (
        "web/package-lock.json",
        "web/package.json",
    )
    assert question("package-lock.json").locks_in(("package.json",)) == ("package-lock.json", "package.json")
    assert not question("a.py").asks_for_locks
    head = {
        "web/package.json": json.dumps({"dependencies": {"a": "1.0.0"}}),
        "web/package-lock.json": json.dumps({"packages": {"node_modules/b": {"version": "1.0.0"}}}),
    }
    codes = {finding.code for finding in weighed(asked, head=head).findings}
    assert codes == {"scan_clean", "lock_stale"}


def test_before_scanners_there_was_nothing():
    assert (NOTHING_WEIGHED.findings, NOTHING_WEIGHED.risk.level) == ((), "low")
