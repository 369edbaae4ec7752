"""One record is one line, with its ids, without credentials, in a file that does not grow for ever."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from keelway.core.errors import YourFault
from keelway.telemetry import logs
from keelway.telemetry.bound import bound, carried, ids
from keelway.telemetry.logs import LogTo, close_log, open_log

SECRET = "hunter2-and-more"


def rows(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_json_is_one_object_a_line_with_ids(stream):
    open_log("info", "json", LogTo(stream=stream))
    with bound(task="01T", run="01T/review-1", stage="review", attempt="1", nothing=""):
        logging.getLogger("keelway.work").info("effect %s\nended", "merge", extra={"seconds": 1.5})
        structlog.get_logger("keelway.ours").warning("seen", effect="merge")
    logging.getLogger("other").error("outside")
    first, second, third = rows(stream)
    assert first["message"] == "effect merge\nended"
    assert (first["level"], first["logger"], first["seconds"]) == ("info", "keelway.work", 1.5)
    assert [first[name] for name in ("task", "run", "stage", "attempt")] == [
        "01T",
        "01T/review-1",
        "review",
        "1",
    ]
    assert first["at"].endswith("Z")
    assert "nothing" not in first
    assert (second["message"], second["effect"], second["task"]) == ("seen", "merge", "01T")
    assert (second["level"], second["logger"]) == ("warning", "keelway.ours")
    assert "task" not in third


def test_an_exception_stays_in_its_record_and_hides_credentials(stream):
    open_log("info", "json", LogTo(stream=stream), known=[SECRET])
    try:
        int(f"cannot log in with {SECRET}")
    except ValueError:
        logging.getLogger("dbos").exception("lost %s", f"postgresql://keel:{SECRET}@db/x")
        structlog.get_logger("ours").exception("lost too", password=SECRET)
    first, second = rows(stream)
    assert "ValueError: invalid literal" in first["exception"]
    assert "ValueError" in second["exception"]
    assert SECRET not in stream.getvalue()


def test_values_of_the_vault_are_hidden_wherever_they_stand(stream):
    open_log("info", "json", LogTo(stream=stream), vault=lambda text: text.replace('a"b\\c', "[PASS]"))
    logging.getLogger("x").info("with %s", 'a"b\\c', extra={"inner": {"list": ['a"b\\c']}})
    assert rows(stream)[0]["message"] == "with [PASS]"
    assert rows(stream)[0]["inner"] == {"list": ["[PASS]"]}


def test_text_is_one_line_that_nobody_can_forge(stream):
    open_log("info", "text", LogTo(stream=stream))
    with bound(task="01T"):
        logging.getLogger("keelway.x").info("said: hello\n2026-01-01 00:00:00Z error forged\x1b[31m\u2028")
    line, *more = stream.getvalue().splitlines()
    assert more == []
    assert "info    keelway.x: said: hello\\n2026-01-01 00:00:00Z error forged\\x1b[31m" in line
    assert line.endswith("task=01T")


def test_a_traceback_in_text_is_indented(stream):
    open_log("info", "text", LogTo(stream=stream))
    try:
        Path("x\n2026-01-01 00:00:00Z error forged").read_text()
    except OSError:
        logging.getLogger("x").exception("failed")
    head, *below = stream.getvalue().splitlines()
    assert head.endswith("x: failed")
    assert len(below) > 2
    assert all(row.startswith("    ") for row in below)


def test_levels_and_chatty_libraries(stream):
    open_log("warning", "json", LogTo(stream=stream))
    for name in ("keelway.x", "httpx2", "dbos"):
        logging.getLogger(name).info("no")
        logging.getLogger(name).warning("yes")
    structlog.get_logger("y").info("no")
    assert [row["message"] for row in rows(stream)] == ["yes"] * 3
    stream.truncate(0)
    stream.seek(0)
    open_log("debug", "json", LogTo(stream=stream))
    logging.getLogger("httpx2").info("GET /?key=abc")
    logging.getLogger("keelway.x").debug("yes")
    assert [row["message"] for row in rows(stream)] == ["yes"]


def test_opening_again_replaces_and_unknown_words_change_nothing(stream):
    open_log("info", "json", LogTo(stream=stream))
    for level, form in (("loud", "json"), ("info", "xml")):
        with pytest.raises(YourFault, match=r"log_unknown|There is no log"):
            open_log(level, form, LogTo(stream=io.StringIO()))
    logging.getLogger("x").info("here")
    second = io.StringIO()
    open_log("info", "json", LogTo(stream=second))
    logging.getLogger("x").info("there")
    assert [row["message"] for row in rows(stream)] == ["here"]
    assert [row["message"] for row in rows(second)] == ["there"]


def test_the_file_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "FILE_BYTES_MAX", 20_000)
    path = tmp_path / "deep" / "keelway.log"
    open_log("info", "json", LogTo(file=path))
    for number in range(1_000):
        logging.getLogger("x").info("%d %s", number, "y" * 100)
    close_log()
    files = sorted(path.parent.iterdir())
    assert len(files) == 1 + logs.FILES_KEPT
    assert all(each.stat().st_size <= 20_000 for each in files)
    last = path.read_text().splitlines()[-1]
    assert json.loads(last)["message"].startswith("999 ")


def test_a_full_disk_is_told_once_and_ends_nothing(capsys, tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.fail("this machine has no /dev/full; run on Linux")
    link = tmp_path / "keelway.log"
    link.symlink_to(full)
    open_log("info", "json", LogTo(file=link))
    for _ in range(3):
        logging.getLogger("x").info("lost")
    close_log()
    said = capsys.readouterr().err
    assert said.count("cannot be written") == 1
    assert "No space left" in said


def test_a_log_that_cannot_be_opened_is_your_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(YourFault, match="cannot be opened"):
        open_log("info", "json", LogTo(file=tmp_path / "file" / "keelway.log"))


def test_ids_are_nested_and_end_with_their_block():
    with bound(task="1", stage="a"):
        with bound(stage="b"):
            assert ids() == {"task": "1", "stage": "b"}
        assert ids() == {"task": "1", "stage": "a"}
    assert ids() == {}


def test_carried_functions_know_the_ids_in_threads(stream):
    open_log("info", "json", LogTo(stream=stream))

    def work(number: int) -> dict:
        logging.getLogger("x").info("job %d", number)
        return dict(ids())

    with bound(task="01T"):
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(carried(work), range(8)))
        thread = threading.Thread(target=carried(work), args=(8,))
        thread.start()
        thread.join()
    assert found == [{"task": "01T"}] * 8
    assert {row["task"] for row in rows(stream)} == {"01T"}
    assert len(rows(stream)) == 9


async def test_stories_side_by_side_keep_their_own_ids():
    async def tell(task: str) -> str:
        with bound(task=task):
            for _ in range(3):
                await asyncio.sleep(0)
                assert ids()["task"] == task
            return await asyncio.to_thread(lambda: ids()["task"])

    assert await asyncio.gather(*(tell(str(n)) for n in range(5))) == [str(n) for n in range(5)]
