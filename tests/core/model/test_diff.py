"""Git's own NUL-separated output becomes facts; anything else is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import TheirFault
from keelway.core.model.diff import MODE_EXECUTABLE, MODE_FILE, NO_MODE, Diff, FileDelta, parse_diff

paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda path: "\n" not in path
)
counts = st.integers(0, 5_000)
deltas = st.builds(
    FileDelta,
    path=paths,
    status=st.sampled_from("AMDT"),
    old_mode=st.sampled_from([MODE_FILE, MODE_EXECUTABLE, NO_MODE, "120000"]),
    new_mode=st.sampled_from([MODE_FILE, MODE_EXECUTABLE, NO_MODE, "160000"]),
    added=counts,
    removed=counts,
)


def written(files: list[FileDelta]) -> tuple[bytes, bytes]:
    raw = "".join(
        f":{delta.old_mode} {delta.new_mode} {'0' * 40} {'1' * 40} {delta.status}\0{delta.path}\0"
        for delta in files
    )
    numstat = "".join(
        f"-\t-\t{delta.path}\0" if delta.binary else f"{delta.added}\t{delta.removed}\t{delta.path}\0"
        for delta in files
    )
    return raw.encode(), numstat.encode()


@given(st.lists(deltas, max_size=8, unique_by=lambda delta: delta.path))
def test_what_git_writes_is_read_back(files: list[FileDelta]) -> None:
    diff = parse_diff("base", "head", *written(files))
    assert diff == Diff("base", "head", tuple(files))
    assert diff.paths == {delta.path for delta in files}
    assert diff.lines == sum(delta.added + delta.removed for delta in files)


def test_a_binary_file_has_no_lines() -> None:
    file = FileDelta("logo.png", "A", NO_MODE, MODE_FILE, binary=True)
    assert parse_diff("b", "h", *written([file])).files == (file,)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_random_bytes_never_crash(raw: bytes, numstat: bytes) -> None:
    with suppress(TheirFault):
        parse_diff("b", "h", raw, numstat)


@pytest.mark.parametrize(
    ("raw", "numstat"),
    [
        (b":100644 100644 0 1 M\0a", b"1\t0\ta\0"),
        (b":100644 100644 0 1 M\0a\0", b""),
        (b":100644 100644 0 1 R100\0a\0", b"1\t0\ta\0"),
        (b"100644 100644 0 1 M\0a\0", b"1\t0\ta\0"),
        (b":100644 100644 0 1 M\0", b"1\t0\ta\0"),
        (b":100644 100644 0 1 M\0\xff\0", b"1\t0\t\xff\0"),
        (b":100644 M\0a\0", b"1\t0\ta\0"),
        (b":100644 100644 0 1 M\0a\0", b"1\ta\0"),
    ],
)
def test_damaged_output_is_their_fault(raw: bytes, numstat: bytes) -> None:
    with pytest.raises(TheirFault, match="could not be read"):
        parse_diff("b", "h", raw, numstat)
