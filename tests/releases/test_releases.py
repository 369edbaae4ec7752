"""Bad releases of every kind, sent to production under load: noticed, taken back, and nothing promised is lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.redteam.rows import ROWS
from tests.releases.kinds.kind import HEAD, End, Kind
from tests.releases.kinds.table import ALONE, BY_NAME, GOOD, KINDS, TOGETHER
from tests.releases.pier import APPLICATION, Pier
from tests.releases.trial import CannotMount, trial, world

SAMPLE = ("knows-the-checker", "crashes-at-start", "broken-with-an-added-column")
NO_RELEASE = {"G10": "a slow pattern comes from a configuration, never from a release"}
"""Lines of the catalogue that no release can be an example of."""


def named(kinds: tuple[Kind, ...]) -> list[object]:
    return [pytest.param(kind, id=kind.name) for kind in kinds]


def test_every_line_about_releases_has_a_kind() -> None:
    lines = {row.id for row in ROWS if row.id.startswith("G")} - set(NO_RELEASE)
    assert lines <= {kind.row for kind in KINDS}
    assert len([kind for kind in KINDS if kind.row == "own"]) >= 10
    assert len(BY_NAME) == len(KINDS) + len(GOOD)
    assert not [kind.name for kind in KINDS if End.LIVE in kind.ends and kind.row != "own"]


@pytest.mark.parametrize("kind", named(KINDS))
def test_a_bad_release_is_a_program(kind: Kind) -> None:
    ast.parse((APPLICATION / "fault.py").read_text() + HEAD + kind.spoils)
    for name, text in kind.files.items():
        if name.endswith(".py"):
            ast.parse(text)


def holds(kind: Kind, pier: Pier, number: int = 1) -> None:
    """Send one, and hold it against what may become of it."""
    row = trial(pier, kind, number)
    assert row.right, row
    assert row.requests > 0 or kind.rate == 0
    if not kind.ruins_data:
        assert row.rows_lost == 0, row


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pier]:
    """One world, in which one bad release follows the other."""
    with world(tmp_path_factory.mktemp("rel")) as made:
        yield made


@pytest.mark.deploys
@pytest.mark.timeout(240)
def test_some_bad_releases_one_after_the_other(tmp_path: Path) -> None:
    with world(tmp_path) as pier:
        good = pier.active()
        for number, name in enumerate(SAMPLE, start=1):
            holds(BY_NAME[name], pier, number)
            assert pier.active() == good


@pytest.mark.deploys
@pytest.mark.timeout(240)
def test_good_releases_are_kept_and_nobody_notices(tmp_path: Path) -> None:
    with world(tmp_path) as pier:
        for number, kind in enumerate(GOOD, start=1):
            row = trial(pier, kind, number)
            assert (row.right, row.errors, row.rows_lost) == (True, 0, 0), row


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", named(TOGETHER))
def test_a_bad_release_after_others(shared: Pier, kind: Kind) -> None:
    good = shared.active()
    holds(kind, shared, TOGETHER.index(kind) + 1)
    assert shared.active() == good


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", named(ALONE))
def test_a_bad_release_in_a_world_of_its_own(tmp_path: Path, kind: Kind) -> None:
    try:
        with world(tmp_path, kind) as pier:
            holds(kind, pier)
    except CannotMount:
        pytest.skip("no small disk can be mounted here; run it as root, with the right to mount")
