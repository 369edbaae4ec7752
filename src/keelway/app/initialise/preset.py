"""What a language's projects use, as data: which tool makes which check, and what is missed without it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from keelway.app.initialise.draft import FoundCheck, Repository
from keelway.core.runner.known import runner_of

HEALTH = re.compile(r"""["'`](/(?:healthz?|health-check|healthcheck|livez|readyz|ping|up))/?["'`]""")
HEALTH_DEFAULT = "/healthz"


@dataclass(frozen=True)
class Tool:
    """Describe a tool that makes a check; of those for one check the first that fits is taken."""

    check: str
    kind: str
    run: tuple[str, ...]
    packages: tuple[str, ...] = ()
    """The project declares one of them; empty asks for none."""
    files: tuple[str, ...] = ()
    """One of them is at the top; empty asks for none."""
    script: str = ""
    """What the project's own test command says; empty asks for nothing."""
    program: str = ""
    """What has to be on this machine's path; empty asks for nothing."""
    measure: tuple[str, ...] = ()
    """Words that also report executed lines."""
    measured_with: tuple[str, ...] = ()
    """Packages of which one is needed for that; empty needs none."""
    note: str = ""
    """What a person should know when this tool was taken."""


@dataclass(frozen=True)
class Facts:
    """Hold what a repository shows."""

    repository: Repository
    packages: Collection[str]
    test_script: str
    environ: Mapping[str, str]

    def fits(self, tool: Tool) -> bool:
        """Tell whether the project uses a tool."""
        return (
            (not tool.packages or any(name in self.packages for name in tool.packages))
            and (not tool.files or self.repository.has(*tool.files))
            and tool.script in self.test_script
            and (not tool.program or self.has_program(tool.program))
        )

    def has_program(self, name: str) -> bool:
        """Tell whether a program is on the path of this machine."""
        return shutil.which(name, path=self.environ.get("PATH", "")) is not None


def choose(
    tools: tuple[Tool, ...], missed: Mapping[str, str], facts: Facts
) -> tuple[list[FoundCheck], list[str], bool]:
    """Return the checks of a project, what a person should know, and whether lines are measured.

    Args:
        tools: those of the language, in the order of preference.
        missed: what to say when nothing makes a check, by its name.
        facts: what the repository shows.
    """
    taken: dict[str, Tool] = {}
    for tool in tools:
        if tool.check not in taken and facts.fits(tool):
            taken[tool.check] = tool
    checks, measured = [], False
    for tool in taken.values():
        measures = bool(tool.measure) and (
            not tool.measured_with or any(name in facts.packages for name in tool.measured_with)
        )
        measured = measured or measures
        run = (*tool.run, *(tool.measure if measures else ()))
        checks.append(FoundCheck(tool.check, tool.kind, run, _related(tool.run)))
    notes = [said for name, said in missed.items() if name not in taken]
    notes += [tool.note for tool in taken.values() if tool.note]
    return checks, notes, measured


def _related(run: tuple[str, ...]) -> tuple[str, ...]:
    runner = runner_of(run, {})
    return runner.related(run, ("{changed}",)) if runner else ()


def health_of(repository: Repository, *suffixes: str) -> str:
    """Return the first path in the sources that reads like a question about health."""
    for suffix in suffixes:
        for name in repository.files(suffix):
            if found := HEALTH.search(repository.text(name)):
                return found[1]
    return HEALTH_DEFAULT
