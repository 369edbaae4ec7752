"""Tags are read strictly and always grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import OurFault
from keelway.core.model.plan import Kind
from keelway.core.release.version import Version, next_version, parse_tag, release_name

versions = st.builds(Version, *[st.integers(0, 10**8)] * 3)


@given(versions)
def test_a_tag_names_its_version(version: Version) -> None:
    assert parse_tag(str(version)) == version
    assert parse_tag(str(version).removeprefix("v")) == version


@pytest.mark.parametrize(
    "tag", ["", "v1", "v1.2", "v1.2.3-rc1", "v01.2.3", "release-1.2.3", "v1.2.3\n", "v1.2." + "9" * 30]
)
def test_other_tags_name_none(tag: str) -> None:
    assert parse_tag(tag) is None


@given(st.lists(versions, min_size=1), st.sampled_from(list(Kind)), st.booleans())
def test_the_next_one_is_the_highest(known: list[Version], kind: Kind, breaking: bool) -> None:
    assert next_version([*map(str, known), "nonsense"], kind, breaking=breaking) > max(known)


@pytest.mark.parametrize(
    ("tags", "kind", "breaking", "expected"),
    [
        ([], Kind.FIX, False, "v0.1.0"),
        (["other"], Kind.FEATURE, True, "v0.1.0"),
        (["v1.2.3"], Kind.FIX, False, "v1.2.4"),
        (["v1.2.3", "v1.10.0"], Kind.FEATURE, False, "v1.11.0"),
        (["v1.2.3"], Kind.FIX, True, "v2.0.0"),
        (["v0.2.3"], Kind.FIX, True, "v0.3.0"),
    ],
)
def test_steps(tags: list[str], kind: Kind, breaking: bool, expected: str) -> None:
    assert str(next_version(tags, kind, breaking=breaking)) == expected


def test_releases_are_named_by_their_commit() -> None:
    assert release_name("0123456789abcdef" * 2 + "01234567") == "r-0123456789ab"
    assert release_name("a" * 64) == "r-" + "a" * 12


@pytest.mark.parametrize("sha", ["", "abc", "A" * 40, "main", "a" * 41, "a" * 40 + "\n"])
def test_only_a_full_commit_id_names_a_release(sha: str) -> None:
    with pytest.raises(OurFault, match="full commit id"):
        release_name(sha)
