"""Which deployments a rollback undoes, and what the way back of all of them together starts from."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace

from keelway.core.errors import RequestRefused
from keelway.ports.ledger import Deployment

_OPEN = frozenset({"live", "superseded", "observing"})


def served(history: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
    """Return the deployments that can still be undone, newest first.

    One whose way back did not end well stays among them as long as nothing newer went live: a person
    who accepts more, such as a restore, tries it again.
    """
    found: list[Deployment] = []
    for entry in history:
        again = entry.status == "rolled_back" and entry.figures.get("back_verified") is False
        if entry.status in _OPEN or (again and not found):
            found.append(entry)
    return tuple(found)


def undone_by(
    history: tuple[Deployment, ...],
    environment: str,
    to_release: str = "",
    *,
    keep: Collection[str] | None = None,
    task: str = "",
) -> tuple[Deployment, ...]:
    """Return the deployments that a rollback undoes, newest first.

    Args:
        history: deployments of the environment, newest first.
        environment: its name.
        to_release: where to go back to; empty for the release before the newest.
        keep: ids of deployments whose commit the target holds; ``None`` when the target was deployed itself.
        task: the task that the newest has to belong to; empty for any.

    Raises:
        RequestRefused: nothing is live there, or the target was never live there, or it is live already.
    """
    entries, ask = served(history), "keelway releases"
    if not entries:
        said = f"Nothing that was deployed to {environment} is live."
        raise RequestRefused("nothing_to_roll_back", said, ask)
    if task and entries[0].task != task:
        raise RequestRefused("not_live", f"The task is not what {environment} runs now.", ask)
    if not to_release:
        bad = entries[:1]
    elif keep is not None:
        bad = tuple(itertools.takewhile(lambda entry: entry.id not in keep, entries))
    else:
        bad = _back_to(entries, environment, to_release)
    if not bad:
        raise RequestRefused("already_there", f"{to_release} is live in {environment} already.", ask)
    if not (to_release or bad[-1].previous_release):
        raise RequestRefused("no_way_back", f"There is no release before {bad[-1].release}.", ask)
    return bad


def together(bad: tuple[Deployment, ...], to_release: str = "", to_sha: str = "") -> Deployment:
    """Return several deployments as the one that a single way back undoes.

    What was before the oldest counts: its schema and its backup. A release fits the schema when it
    was seen to fit after each of them.
    """
    newest, oldest = bad[0], bad[-1]
    fits = [entry.figures.get("previous_fits") for entry in bad]
    figures = {
        **newest.figures,
        "backup": oldest.figures.get("backup"),
        "previous_fits": None if None in fits else all(fits),
    }
    return replace(
        newest,
        previous_release=to_release or oldest.previous_release,
        previous_sha=to_sha or oldest.previous_sha,
        schema_before=oldest.schema_before,
        backup=oldest.backup,
        figures=figures,
    )


def _back_to(entries: tuple[Deployment, ...], environment: str, to_release: str) -> tuple[Deployment, ...]:
    bad: list[Deployment] = []
    for entry in entries:
        if entry.release == to_release:
            return tuple(bad)
        bad.append(entry)
        if entry.previous_release == to_release:
            return tuple(bad)
    said = f"{to_release} was never live in {environment}."
    raise RequestRefused("unknown_target", said, "keelway releases")
