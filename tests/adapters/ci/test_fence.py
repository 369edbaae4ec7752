"""What a patch's own tests may do: run behind the sandbox they reach their checkout and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tests.adapters.ci.conftest import TESTS, Tiny

from keelway.adapters.ci.local import CheckFence
from keelway.clients.cage import MIB, Bounds, Settings, choose_cage
from keelway.clients.run import Fence
from keelway.core.model.project import CheckCommand

TOLD = "def test_it():\n    assert True\n"


@pytest.fixture
def fenced(tiny: Tiny) -> Tiny:
    cage = choose_cage("bubblewrap", Settings())
    facts = cage.facts()
    if not facts.works:
        pytest.skip(f"{', '.join(facts.missing)}. Install it: apt-get install bubblewrap")
    fence = CheckFence(Fence(cage, Bounds(memory_bytes=300 * MIB, disk_bytes_max=50 * MIB)))
    return Tiny(tiny.folder, replace(tiny.ci, fence=fence))


def test_tests_run_and_their_report_is_read(fenced: Tiny) -> None:
    report = fenced.check({"test_one.py": TOLD}, canary="keelcanary_abc")
    assert [(test.id, test.outcome) for test in report.tests] == [("test_one.py::test_it", "passed")]
    assert report.canary_failed is True


def test_what_lies_beside_the_checkout_is_neither_read_nor_written(fenced: Tiny, tmp_path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("pearl")
    said = fenced.shell(f"cat {secret}; echo own > {tmp_path}/made; cat ../../task; echo done")
    assert (said.exit_code, "pearl" in said.output, "done" in said.output) == (0, False, True)
    assert not (tmp_path / "made").exists()


def test_there_is_no_network_but_the_own_loopback(fenced: Tiny, httpd_port: int) -> None:
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname());"
        f"print('own'); socket.create_connection(('127.0.0.1', {httpd_port}), 2)"
    )
    said = fenced.shell(f'python3 -c "{code}"')
    assert "own" in said.output
    assert "refused" in said.output


def test_the_rights_are_those_of_nobody(fenced: Tiny) -> None:
    said = fenced.shell("id -u; env")
    assert "KEELWAY_" not in said.output.replace("KEELWAY_RUN", "")
    assert os.geteuid() != 0 or said.output.splitlines()[0] == "61000"


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("python3 -c 'x = bytearray(900_000_000)'", "memory"),
        ("head -c 200000000 /dev/zero > big; sleep 20", "disk"),
    ],
)
def test_who_takes_too_much_is_ended(fenced: Tiny, text: str, hit: str) -> None:
    said = fenced.shell(text, seconds_max=15.0)
    assert not said.passed
    assert f"it used more {hit}" in said.output or (hit == "memory" and "MemoryError" in said.output)


def test_a_check_that_needs_the_machine_can_be_let_out(fenced: Tiny, tmp_path) -> None:
    check = CheckCommand("open", ("sh", "-c", f"echo own > {tmp_path}/made"), fenced=False)
    assert fenced.having(check).check({}).commands[0].passed
    assert (tmp_path / "made").read_text() == "own\n"


def test_a_cage_that_does_not_work_passes_nothing(tiny: Tiny) -> None:
    class Broken:
        name, isolates_network = "broken", True

        def wrap(self, inside):
            raise OSError("no name spaces here")

    broken = Tiny(tiny.folder, replace(tiny.ci, fence=CheckFence(Fence(Broken()))))  # type: ignore[arg-type]
    report = broken.having(TESTS).check({"test_one.py": TOLD})
    assert "no name spaces here" in report.commands[0].could_not_start


@pytest.fixture
def httpd_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
