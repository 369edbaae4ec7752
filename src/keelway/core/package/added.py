"""What a finished patch adds to the dependencies of an application, held against what its plan named."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from keelway.core.model.verdict import Finding, failed, passed
from keelway.core.package.manifest import addresses_in, declared_in
from keelway.core.package.package import Ecosystem, package_of
from keelway.core.words.text import line


def judge_added(
    dependencies: Sequence[str],
    ecosystems: Collection[Ecosystem],
    base: Mapping[str, str],
    head: Mapping[str, str],
) -> tuple[Finding, ...]:
    """Judge the manifests that a patch touches: every new package must be in the plan, and come from an index.

    Args:
        dependencies: as the plan names them.
        ecosystems: of the application.
        base: texts of the touched manifests before, by path.
        head: their texts now.
    """
    planned = {_plain(package.name) for said in dependencies if (package := package_of(said, ecosystems))}
    findings = []
    for path, text in sorted(head.items()):
        before = {_plain(each.name) for each in declared_in(path, base.get(path, ""))}
        names = {_plain(each.name): each.name for each in declared_in(path, text)}
        for plain in sorted(names.keys() - before - planned):
            said = f"{path} brings in {line(names[plain], 100)}, which the plan does not name; do without or ask for a new plan."
            findings.append(failed("dependency_not_planned", said, path=path))
        for address in sorted(set(addresses_in(path, text)) - set(addresses_in(path, base.get(path, "")))):
            said = f"{path} brings in {line(address, 100)!r}, which is no plain name of a package index."
            findings.append(failed("dependency_by_address", said, path=path))
    return tuple(findings) or (
        passed(
            "dependencies_planned", f"{len(head)} manifest(s) add what the plan names.", examined=len(head)
        ),
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()
