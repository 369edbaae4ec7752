"""What should run, by the book."""

from __future__ import annotations

import pytest

from keelway.core.release.standing import Past, Standing, standing


def past(name: str, status: str, **more: object) -> Past:
    fields: dict[str, object] = {"task": f"task-{name}", "schema": 3} | more
    return Past(f"d-{name}", f"r-{name}", name * 4, status, **fields)  # type: ignore[arg-type]


A, B = past("a", "superseded"), past("b", "live")


@pytest.mark.parametrize(
    ("history", "release", "deployment"),
    [
        ((), "", ""),
        ((B, A), "r-b", "d-b"),
        ((past("c", "failed"), B, A), "r-b", "d-b"),
        ((past("c", "rolled_back", back_release="r-b"), B, A), "r-b", "d-b"),
        ((past("c", "rolled_back", back_release="r-a"), past("b", "rolled_back"), A), "r-a", "d-a"),
        ((past("b", "rolled_back"), A), "r-a", "d-a"),
        ((past("d", "live"), past("c", "rolled_back", back_release="r-b"), B), "r-d", "d-d"),
        ((past("c", "rolled_back", back_release="r-z"),), "r-z", ""),
    ],
)
def test_which_release_should_serve(history: tuple[Past, ...], release: str, deployment: str) -> None:
    found = standing(history)
    assert (found.release, found.deployment, found.moving, found.unsure) == (release, deployment, (), False)


def test_what_is_on_the_move_is_named_beside_it() -> None:
    found = standing((past("c", "observing"), B))
    assert (found.release, found.moving) == ("r-b", ("r-c",))
    assert standing((past("c", "running"),)).moving == ("r-c",)


def test_after_a_way_back_that_did_not_end_well_nobody_knows() -> None:
    found = standing((past("c", "rolled_back", back_release="r-b", back_verified=False), B))
    assert found == Standing(unsure=True)


def test_the_schema_is_known_only_of_what_was_not_taken_back() -> None:
    assert standing((B,)).schema == 3
    assert standing((past("c", "rolled_back", back_release="r-b"), B)).schema is None
