"""The checks of a task can be ended from any process of the machine, and nothing of them goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from tests.adapters.ci.conftest import Tiny

from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckJob, CheckReport


def test_the_checks_of_a_task_end_at_once_and_those_of_others_stay(tiny: Tiny) -> None:
    begun = tiny.folder.parent / "begun"
    begun.mkdir()
    wait = CheckCommand("wait", ("sh", "-c", "touch $0/$$; sleep 120 & wait", str(begun)), seconds_max=60)
    after = CheckCommand("after", ("sh", "-c", "touch $0/after", str(begun)))
    both = tiny.having(wait, after)
    sha, reports = tiny.commit({}), dict[str, CheckReport]()
    job = CheckJob(sha, ("wait", "after"))

    def check(task: str) -> None:
        reports[task] = both.ci.check(replace(job, task=task))

    threads = {task: threading.Thread(target=check, args=(task,)) for task in ("mine", "other")}
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + 50
    while len(list(begun.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    elsewhere = replace(both.ci)
    assert not elsewhere.end("")
    assert not elsewhere.end("nobody's")
    assert elsewhere.end("mine")
    threads["mine"].join(30)
    assert not threads["mine"].is_alive()
    assert threads["other"].is_alive()
    assert [command.passed for command in reports["mine"].commands] == [False, False]
    assert {command.could_not_start for command in reports["mine"].commands} == {"its task was ended"}
    assert not (begun / "after").exists(), "nothing more is started for it"
    assert elsewhere.end("other")
    threads["other"].join(30)
    assert not threads["other"].is_alive()
    assert [path for path in tiny.root.iterdir() if path.name.startswith("ci-")] == []
