"""Vacuum, the night and the doctor on a real store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.app.upkeep.rig import LONG_AGO, NOTHING, at, end, engine_run, engine_runs
from tests.cli.rig import CONFIG

from keelway.app.config import load_config
from keelway.app.doctor.installation import check_artefacts, check_store
from keelway.app.home import Home
from keelway.app.sections import StoreSection
from keelway.app.upkeep import night
from keelway.app.upkeep.check import check
from keelway.app.upkeep.runs import count_ended, forget_ended
from keelway.app.upkeep.vacuum import vacuum, would_remove
from keelway.core.errors import RequestRefused, TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.engine.journal import Journal as EngineJournal
from keelway.engine.memory import MemoryEngine
from keelway.store.chain.journal import Journal
from keelway.store.upkeep.claim import Claim
from keelway.testing.conformance.ledger import some_request


class TestVacuum:
    def test_what_is_over_its_time_goes(self, ready, config, ledger, said):
        old = at(ledger, LONG_AGO)
        ended = end(old, "k")
        waiting, _ = old.create(some_request(), "fake", "waits")
        for task in (ended, waiting.task.id):
            old.save_artefact(task, "large", f"the large artefact of {task}")
            old.log("info", "c", "m", task=task)
        old.save_samples("d1", "r", [(LONG_AGO, {"requests": 1})])
        for run in (ended, waiting.task.id, "order"):
            engine_run(ready, run, "SUCCESS", LONG_AGO)
        engine_run(ready, "young", "SUCCESS", datetime.now(UTC))
        engine_run(ready, "running", "PENDING", LONG_AGO)
        at(ledger, datetime.now(UTC))

        planned = would_remove(config, ready, count_ended(ready))
        assert (planned.dry_run, planned.removed) == (True, type(planned.removed)(1, 1, 1, 2))
        done = vacuum(config, ready, forget_ended(ready), said.append, by="me")
        assert (done.removed, done.dry_run) == (planned.removed, False)
        assert engine_runs(ready) == {waiting.task.id, "young", "running"}
        assert vacuum(config, ready, forget_ended(ready), said.append).removed == type(planned.removed)()
        told = [
            link.event.data for link in ledger.events(limit=1000) if link.event.data.get("record") == "upkeep"
        ]
        assert (told[0]["by"], told[0]["runs"], len(told)) == ("me", 2, 2)
        assert check(config, ready, said.append).audit.ok

    def test_one_at_a_time(self, ready, config, ledger, said):
        inner = []

        def forget(before, keep):
            with pytest.raises(RequestRefused) as caught:
                vacuum(config, ready, lambda *_: NOTHING, said.append, by="second")
            inner.append(caught.value.code)
            return NOTHING

        vacuum(config, ready, forget, said.append, by="first")
        assert inner == ["upkeep_runs"]
        assert vacuum(config, ready, lambda *_: NOTHING, said.append, by="second") is not None

    def test_a_failing_part_gives_the_claim_back_and_keeps_what_was_done(self, ready, config, ledger, said):
        at(ledger, LONG_AGO).log("info", "c", "m")
        at(ledger, datetime.now(UTC))

        def forget(before, keep):
            raise TheirFault("x", "The engine is away.")

        with pytest.raises(TheirFault):
            vacuum(config, ready, forget, said.append)
        done = vacuum(config, ready, lambda *_: NOTHING, said.append)
        assert done.removed.log_lines == 0


class TestNight:
    @pytest.mark.parametrize(
        ("hours", "hour", "wanted"),
        [(1, 3, False), (19, 3, False), (21, 3, True), (21, 12, False), (35, 12, False), (36, 12, True)],
    )
    def test_when_it_is_time(self, hours, hour, wanted):
        now = datetime(2026, 3, 10, hour, 30).astimezone()
        assert night.due(now - timedelta(hours=hours), now) is wanted

    def test_it_is_done_once_by_whoever_is_awake(self, ready, config, ledger):
        class Runs:
            asked = 0

            def forget(self, before, keep):
                self.asked += 1
                return NOTHING

        at(ledger, LONG_AGO).log("info", "c", "m")
        ledger.record(Event(EventKind.OBSERVED, LONG_AGO))
        runs, done = Runs(), []
        nights = [night.Night(config, ready, runs) for _ in range(3)]
        threads = [threading.Thread(target=lambda each=each: done.append(each.look())) for each in nights]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert runs.asked == 1
        assert [each.removed.log_lines for each in done if each is not None] == [1]
        assert nights[0].look() is None
        last = Claim(Journal(ledger._journal.engine, ready.root)).last()
        assert last.by.startswith("the night on ")

    def test_the_engine_keeps_the_runs_of_open_tasks(self):
        async def story(conductor, payload):
            return payload

        engine = MemoryEngine(EngineJournal())
        engine.launch({"story": story}, {}, ())
        for run in ("T1", "T2"):
            engine.start("story", run, None)
        engine.run_until_idle()
        assert engine.forget(datetime(2999, 1, 1, tzinfo=UTC), keep={"T1"}) == 1
        assert [engine.status(run) for run in ("T1", "T2")] == ["done", "absent"]
        engine.close()

    def test_a_store_that_is_away_does_not_end_it(self, tmp_path, config):
        away = Home(tmp_path, f"postgresql+psycopg://k@/k?host={tmp_path}")
        each = night.Night(config, away, MemoryEngine(EngineJournal()), 0.01)
        each.start()
        assert each.look() is None
        assert each._thread.is_alive()
        each.stop()
        assert not each._thread.is_alive()


class TestDoctor:
    def test_a_store_with_everything_in_it(self, ready, ledger):
        end(ledger, "k")
        assert [(found.name, found.state) for found in check_store(ready)] == [
            ("store", "ok"),
            ("audit", "ok"),
        ]

    def test_a_store_that_is_empty(self, home):
        found = check_store(home)
        assert [(each.state, "keelway up" in each.sentence) for each in found] == [("ok", True)]

    def test_a_server_that_is_down_names_the_cure(self, tmp_path):
        (found,) = check_store(Home(tmp_path, f"postgresql+psycopg://k@/k?host={tmp_path}"))
        assert (found.state, "start the server" in found.next) == ("fail", True)

    def test_the_place_of_artefacts(self, config, tmp_path, monkeypatch):
        assert check_artefacts(config, Home(tmp_path)).state == "ok"
        assert check_artefacts(config, Home(tmp_path, "postgresql+psycopg://k@/k")).state == "warn"
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
        far = replace(config, file=replace(config.file, store=StoreSection(artefacts="s3://artefacts")))
        found = check_artefacts(far, Home(tmp_path))
        assert (found.state, "AWS_ENDPOINT_URL" in found.next) == ("fail", True)

    def test_a_place_that_is_none_is_refused_with_the_file(self, tmp_path):
        path = tmp_path / "keelway.toml"
        path.write_text(CONFIG + '[store]\nartefacts = "ftp://somewhere"\n')
        with pytest.raises(YourFault, match=r"store.artefacts 'ftp://somewhere' is neither"):
            load_config(path)
