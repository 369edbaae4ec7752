"""PHPUnit, run for real: ids, outcomes, and a test that has to fail."""

from __future__ import annotations

import shutil

import pytest
from tests.adapters.ci.conftest import Tiny

from keelway.core.model.project import CheckCommand

CANARY = "keelcanary_0a1b2c"
PHPUNIT = CheckCommand("tests", ("phpunit", "--no-configuration", "--log-junit", "{junit}", "tests"), "tests")
HALF = "<?php\n\nfunction half(int $n): int\n{\n    return intdiv($n, 2);\n}\n"
TESTS = """<?php

require_once __DIR__ . '/../src/half.php';

final class HalfTest extends \\PHPUnit\\Framework\\TestCase
{
    public function testHalves(): void
    {
        $this->assertSame(2, half(4));
    }

    public function testLies(): void
    {
        $this->assertSame(3, half(4));
    }

    public function testLater(): void
    {
        $this->markTestSkipped('later');
    }
}
"""


@pytest.fixture(autouse=True)
def phpunit() -> None:
    if shutil.which("phpunit") is None:
        pytest.skip("phpunit: not installed. Next: apt-get install phpunit")


def test_phpunit_tells_tests_and_fails_its_canary(tiny: Tiny) -> None:
    files = {"src/half.php": HALF, "tests/HalfTest.php": TESTS}
    report = tiny.having(PHPUNIT).check(files, canary=CANARY)
    assert {test.id: test.outcome for test in report.tests} == {
        "tests/HalfTest.php::HalfTest::testHalves": "passed",
        "tests/HalfTest.php::HalfTest::testLater": "skipped",
        "tests/HalfTest.php::HalfTest::testLies": "failed",
    }
    assert report.canary_failed is True
    assert not report.commands[0].passed


def test_a_source_that_ends_the_process_is_noticed(tiny: Tiny) -> None:
    files = {"src/half.php": f"{HALF}exit(0);\n", "tests/HalfTest.php": TESTS}
    report = tiny.having(PHPUNIT).check(files, canary=CANARY)
    assert (report.tests, report.canary_failed, report.commands[0].passed) == ((), False, False)
