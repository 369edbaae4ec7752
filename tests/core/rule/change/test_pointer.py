"""A pointer to content elsewhere is refused as a binary file is; a text about pointers is not."""

from __future__ import annotations

import pytest
from tests.core.rule.change.patches import patch

from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.verdict import Ruling
from keelway.core.rule.change.pointer import judge_pointers

OID = "oid sha256:" + "4" * 64


def new(path: str, *lines: str) -> Diff:
    return Diff("b", "h", (FileDelta(path, "A"),), {path: tuple(enumerate(lines, 1))})


@pytest.mark.parametrize(
    "diff",
    [
        new("model.bin", "version https://git-lfs.github.com/spec/v1", OID, "size 12"),
        new("README.md", "version https://hawser.github.com/spec/v1", OID, "size 12"),
        new("model.bin", "/annex/objects/SHA256E-s12--abc"),
        patch(f"-oid sha256:{'1' * 64}\n+{OID}", "model.bin"),
    ],
)
def test_a_pointer_is_refused(diff: Diff) -> None:
    finding = judge_pointers(diff)
    assert (finding.ruling, finding.code) == (Ruling.FAIL, "lfs_pointer")
    assert diff.files[0].path in finding.evidence["paths"]


@pytest.mark.parametrize(
    "diff",
    [
        new("docs/lfs.md", "A pointer begins with", "version https://git-lfs.github.com/spec/v1"),
        new("app/digest.py", f"WANTED = '{OID}'"),
        new("docs/long.md", *[""] * 30, OID),
    ],
)
def test_a_text_about_pointers_is_fine(diff: Diff) -> None:
    assert judge_pointers(diff).ruling is Ruling.PASS
