"""A control plane in this process: the wired application, its engine, its detector and its lookout."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from keelway.app.audit.seal import Sealer
from keelway.app.back.look import DriftWatch
from keelway.app.bootstrap import App, build
from keelway.app.commands import Commands
from keelway.app.config import Config
from keelway.app.control.alarm import Alarm
from keelway.app.control.drills import DrillClock
from keelway.app.control.lookout import Lookout
from keelway.app.home import Home
from keelway.app.listen import Detector
from keelway.app.queries import Queries
from keelway.app.recipe.clock import RecipeClock
from keelway.app.target.dispatch import Keeping
from keelway.app.upgrade import stranded_runs
from keelway.app.upkeep.clean import Cleaner
from keelway.app.upkeep.night import Night
from keelway.core.cage.trust import describe
from keelway.core.errors import KeelwayError
from keelway.core.model.task import Actor
from keelway.core.words.text import line, short
from keelway.ports.engine import Runtime

Say = Callable[[str], None]
"""Tell a person about progress, in one line."""

BASELINE_EXTRA_SECONDS = 300.0
"""How much longer than the set-up of a release its first deployment may take."""
POLL_SECONDS = 0.2


class ControlPlane:
    """Hold one project's running parts; ``close`` leaves fronts and releases running."""

    def __init__(self, app: App, runtime: Runtime, say: Say) -> None:
        self.app, self.runtime, self._say = app, runtime, say
        self.commands = Commands(app, runtime)
        self.queries = Queries.of(app, runtime)
        self.detector = Detector(self.commands)
        self.recipes = RecipeClock(self.commands)
        self.drills = DrillClock(self.commands)
        self.drift = DriftWatch(app, app.config.file.drill.drift_seconds)
        self.lookout = Lookout(app)
        self.alarm = Alarm(app)
        self.cleaner = Cleaner(app, runtime)
        self.night = Night(app.config, app.home, runtime)
        self.sealer = Sealer(app.ledger, app.config.file.audit.sign_seconds)

    @classmethod
    def open(cls, config: Config, home: Home, say: Say) -> ControlPlane:
        """Wire everything and take up what an earlier control plane left unfinished.

        Raises:
            YourFault: another control plane works on the same home, or the configuration cannot be used.
            TheirFault: the book or a daemon cannot be used.
        """
        app = build(config, home)
        runtime = app.runtime()
        app.launch(runtime)
        plane = cls(app, runtime, say)
        try:
            plane._begin()
        except BaseException:
            plane.close()
            raise
        return plane

    def _begin(self) -> None:
        target = self.app.doors.target
        if isinstance(target, Keeping):
            target.ensure()
            for spec in self.app.config.project.environments:
                self._revive(target, spec.name)
        self._say(describe(self.app.doors.agent.fence()))
        self.cleaner.start()
        self.night.start()
        self.sealer.start()
        self.alarm.start()
        again = self.commands.resubmit_unstarted()
        if again:
            self._say(f"{again} task(s) that a crash kept from starting were started.")
        older = stranded_runs(self.app.home)
        if older:
            self._say(
                f"{older} unfinished run(s) belong to another workflow schema and stand still. "
                "Next: keelway down --server-only, then keelway upgrade"
            )

    def _revive(self, target: Keeping, environment: str) -> None:
        try:
            ended = target.revive(environment)
        except KeelwayError as error:
            self._say(f"{environment}: what ran before could not be started again: {line(error.message)}")
            return
        if ended:
            self._say(f"{environment}: {', '.join(ended)} runs again.")

    def bring_baseline(self) -> bool:
        """Deploy the production branch to every environment in which nothing runs; tell whether all run.

        What Keelway does not run itself is left alone: there, somebody orders the first deployment.
        """
        names = [spec.name for spec in self.app.config.project.environments if spec.target.local]
        with ThreadPoolExecutor(len(names) or 1) as pool:
            up = list(pool.map(lambda name: self._runs(name) or self._deploy(name), names))
        return all(up)

    def _runs(self, environment: str) -> bool:
        return bool(self.app.doors.target.state(environment).active)

    def _deploy(self, environment: str) -> bool:
        branches, forge = self.app.config.project.branches, self.app.doors.forge
        if self.app.ledger.freeze().active:
            self._say(
                f"{environment}: nothing runs, and a freeze holds every deployment. Next: keelway unfreeze"
            )
            return False
        try:
            ordered = self.commands.deploy(environment, "", Actor(self.app.config.project.owner, "cli"))
            sha = forge.head(branches.production)
        except KeelwayError as error:
            self._say(f"{environment}: nothing runs, and the first deployment failed: {line(error.message)}")
            return False
        self._say(
            f"{environment}: bringing {branches.production} ({short(sha)}) up, which sets up its packages."
        )
        limit = self.app.config.project.setup_seconds_max + BASELINE_EXTRA_SECONDS
        end = time.monotonic() + limit
        order = self.queries.order(ordered.run)
        while not order.ended and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
            order = self.queries.order(ordered.run)
        said = line(order.message, 600) if order.ended else f"not up within {limit:.0f} s; it goes on."
        self._say(f"{environment}: {said}")
        return bool(order.ok)

    def close(self) -> None:
        """End the lookout, the detector and the engine; unfinished tasks go on at the next start."""
        self.alarm.stop()
        self.sealer.stop()
        self.night.stop()
        self.cleaner.stop()
        self.lookout.stop()
        self.detector.stop()
        self.recipes.stop()
        self.drills.stop()
        self.drift.stop()
        with contextlib.suppress(KeelwayError):
            self.runtime.close()
        self.app.close()
