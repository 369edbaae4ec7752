"""Health questions that a command of the operator's answers by its exit code."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from keelway.clients.asking import Asked, fresh
from keelway.clients.health.ground import Ground
from keelway.clients.secret_file import resolve
from keelway.clients.shell import MARKER, Command, base_env, run
from keelway.core.model.project import ProbeSpec
from keelway.core.probe.answer import SHOWN_MAX, numbers_in, totals_of, wrong_row
from keelway.core.probe.fill import fill
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult

_OUTPUT_BYTES_MAX = 64 * 1024


class CommandProbe:
    """Run commands in the tree of the release that serves, bounded in time and output, nothing left running."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Run one command after the other; one that is late, or says something else than 0, is a failure."""
        return tuple(self._one(url, spec, about) for spec in specs)

    def _one(self, url: str, spec: ProbeSpec, about: About) -> ProbeResult:
        printed: list[str] = []

        def way(values: dict[str, str]) -> Asked:
            asked = self._run(spec, {**fresh(values), "url": url})
            printed.append(asked.text)
            return asked

        asked = self._ground.asked(spec, about.environment, about.release, way)
        done, failed = totals_of(numbers_in(printed[0])) if spec.counts and printed else (-1, -1)
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, 0, asked.wrong, done, failed)

    def _run(self, spec: ProbeSpec, values: Mapping[str, str]) -> Asked:
        folder = self._folder(values)
        argv = tuple(fill(word, values) for word in spec.run)
        env = self._env(values)
        done = run(Command(argv, folder, env, spec.latency_ms_max / 1000, _OUTPUT_BYTES_MAX))
        text = done.stdout.decode(errors="replace")
        said = (text + done.stderr.decode(errors="replace")).strip()[-SHOWN_MAX:]
        asked = Asked(done.seconds * 1000, text=text)
        if done.could_not_start:
            return Asked(0.0, wrong=f"could not be started: {done.could_not_start}", text=text)
        if done.timed_out:
            return Asked(
                asked.latency_ms, wrong=f"no answer within {spec.latency_ms_max:g} ms: {said}", text=text
            )
        if not done.passed:
            return Asked(asked.latency_ms, wrong=f"ended with {done.exit_code}: {said}", text=text)
        if fill(spec.body_contains, values) not in text:
            return Asked(asked.latency_ms, wrong=f"said nothing of {spec.body_contains!r}: {said}", text=text)
        return Asked(asked.latency_ms, wrong=wrong_row(spec, numbers_in(text)), text=text)

    @staticmethod
    def _folder(values: Mapping[str, str]) -> str:
        """Return the tree of the release where it lies here, else the root: a question leaves nothing behind."""
        tree = values.get("tree", "")
        return tree if tree and Path(tree).is_dir() else "/"

    def _env(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the release's own processes, as far as it is known here."""
        first = (
            [str(Path(values["tree"]) / folder) for folder in self._ground.project.path]
            if "tree" in values
            else []
        )
        env = base_env(values.get("data", "/"), first)
        place = self._ground.spec(values.get("environment", ""))
        if place is not None:
            log = fill(self._ground.project.log, values)
            env |= {name: fill(text, {**values, "log": log}) for name, text in place.env.items()}
            env |= {name: resolve(self._ground.reference(key)) for name, key in place.secrets.items()}
        names = {"KEELWAY_ENVIRONMENT": "environment", "KEELWAY_RELEASE": "release", "KEELWAY_URL": "url"}
        env |= {name: values[key] for name, key in names.items() if key in values}
        return {**env, MARKER: f"probe-{secrets.token_hex(8)}"}


_check: type[Probe] = CommandProbe
ADAPTER = CommandProbe
