"""Find what a configuration says that can never work."""

from __future__ import annotations

import math
import re

from keelway.app.registry import names
from keelway.app.sections import ConfigFile, ProviderSection
from keelway.app.settings.target import environment_problems
from keelway.clients.gateway.known import KNOWN, Known
from keelway.clients.gateway.known import fault_of as address_fault
from keelway.core.consent.problems import consent_problems
from keelway.core.errors import YourFault
from keelway.core.judge.question import faults_of
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.recipe import complete
from keelway.core.probe.problems import probe_problems
from keelway.core.release.drill import PARTS, DrillSpec
from keelway.core.rule.egress import read_entries
from keelway.core.strategy.choose import problem_of
from keelway.core.target.hook import hook_problems
from keelway.store.depot.choose import fault_of

PRICES = (2, 3)
KINDS = frozenset({"lint", "types", "tests", "build", "audit"})
_PASSWORD = re.compile(r"://[^/@:]*:[^/@]+@|\bpassword\s*=")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def problems_of(file: ConfigFile) -> list[str]:
    """Return what would only fail later, in front of a person or in production."""
    wrong = [*_check_problems(file), *_process_problems(file), *environment_problems(file)]
    wrong += [*_recipe_problems(file), *faults_of(file.black_box)]
    wrong += [problem for section in file.provider for problem in _provider_problems(section)]
    providers = [section.name for section in file.provider]
    wrong += _twice("provider", providers)
    if file.agent.provider and file.agent.provider not in providers:
        wrong.append(f"agent.provider {file.agent.provider!r} is no [[provider]] here")
    wrong += [problem for problem in (fault_of(file.store.artefacts),) if problem]
    wrong += _egress_problems(file)
    wrong += hook_problems(file.hooks)
    wrong += _data_problems(file)
    wrong += _drill_problems(file.drill)
    wrong += consent_problems(file.person, file.policy.review)
    wrong += [problem for problem in (problem_of(file.strategy),) if problem]
    strange = sorted({*file.strategy.environments} - {STAGING, PRODUCTION})
    wrong += [f"strategy.environments names {', '.join(strange)}, which are none"] if strange else []
    if not _PLAIN_NAME.fullmatch(file.project.name):
        wrong.append(f"project.name {file.project.name!r} is not a plain name")
    return wrong


def _check_problems(file: ConfigFile) -> list[str]:
    names = [check.name for check in file.check]
    problems = [
        f"check {check.name!r} has the unknown kind {check.kind!r}"
        for check in file.check
        if check.kind not in KINDS
    ]
    problems += _twice("check", names)
    problems += [f"check {check.name!r} has an empty command" for check in file.check if not check.run]
    if not any(check.kind == "tests" for check in file.check):
        problems.append("there is no [[check]] of the kind tests; without tests nothing can be proven")
    return problems


def _twice(what: str, names: list[str]) -> list[str]:
    return [f"{what} {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def _provider_problems(section: ProviderSection) -> list[str]:
    known = KNOWN.get(section.name, Known("", ""))
    api, url = section.api or known.api, section.url or known.url
    if not api or not url:
        faults = [f"needs api and url; by name alone are known {', '.join(KNOWN)}"]
    else:
        faults = [found for found in (address_fault(api, url, has_key=bool(section.key)),) if found]
    faults += [
        f"has for {model!r} no list of two or three prices of 0 or more"
        for model, prices in section.prices.items()
        if len(prices) not in PRICES or not all(0 <= price < math.inf for price in prices)
    ]
    return [f"provider {section.name!r} {fault}" for fault in faults]


def _process_problems(file: ConfigFile) -> list[str]:
    problems = [
        f"process {process.name!r} has an empty command" for process in file.process if not process.run
    ]
    local = file.staging.target.local or file.production.target.local
    if local and not any(process.name == "web" for process in file.process):
        problems.append('there is no [[process]] named "web"; it receives the traffic')
    if not file.probe:
        problems.append("there is no [[probe]]; health must be asked for")
    problems += probe_problems(file.probe, frozenset(names("probe")), file.data.sqlite)
    return problems


def _recipe_problems(file: ConfigFile) -> list[str]:
    names = [recipe.name for recipe in file.recipe]
    problems = [f"recipe {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"recipe {name!r} is not a plain name" for name in names if not _PLAIN_NAME.fullmatch(name)]
    for recipe in file.recipe:
        try:
            complete(recipe)
        except YourFault as fault:
            problems.append(fault.message.rstrip("."))
    return problems


def _data_problems(file: ConfigFile) -> list[str]:
    """Refuse a password in the file, and folders that are one inside the other."""
    found = [
        f"data.{name} holds a password; put the address into the secrets file and write env:NAME"
        for name, address in (("postgres", file.data.postgres), ("mysql", file.data.mysql))
        if _PASSWORD.search(address)
    ]
    folders = [f"{folder.rstrip('/')}/" for folder in file.data.files]
    found += [
        f"data.files names {inner!r} inside {outer!r}"
        for outer in folders
        for inner in folders
        if inner != outer and inner.startswith(outer)
    ]
    return [*found, *_twice("data.files folder", folders)]


def _drill_problems(section: DrillSpec) -> list[str]:
    problems = [f"drill.parts names {part!r}, which is none" for part in section.parts if part not in PARTS]
    if section.environment != STAGING:
        problems.append(
            f"drill.environment is {section.environment!r}; a drill takes a release back on purpose, so use staging"
        )
    spans = {"every_hours": section.every_hours, "drift_seconds": section.drift_seconds}
    return problems + [
        f"drill.{name} is {span}; use 0 or more" for name, span in spans.items() if not 0 <= span < math.inf
    ]


def _egress_problems(file: ConfigFile) -> list[str]:
    try:
        read_entries(file.sandbox.egress)
    except YourFault as fault:
        return [f"sandbox.egress: {fault.message.rstrip('.')} ({fault.hint})"]
    return []
