"""C. What a patch contains: size, look-alikes, and more than was planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.redteam.rig import GOOD_EDITS, OPEN, attack, delivered, held, on_git, refused, writes
from tests.workflows.world import BASE_FILES, PROJECT

from keelway.core.policy import GuardrailPolicy

pytestmark = pytest.mark.long

TWO = dict(GOOD_EDITS)
MANY = {f"part{number}.py": f"part = {number}\n" for number in range(60)}
LONG = {"long.py": "".join(f"line{number} = {number}\n" for number in range(2_100))}


@pytest.mark.parametrize("more", [MANY, LONG], ids=["files", "lines"])
def test_a_patch_that_nobody_can_read_is_refused(make_world, more):
    """C09."""
    edits = {**TWO, **more}
    refused(attack(make_world(), edits, {"create": sorted(edits)}), "too_large")


def test_a_minified_line_is_refused(make_world):
    """C09."""
    edits = {**TWO, "vendor.js": "var a=1;" * 2_000 + "\n"}
    refused(attack(make_world(), edits, {"create": sorted(edits)}), "line_too_long")


@pytest.mark.parametrize(
    ("size", "code"), [(2_000, "binary"), (11 * 1024 * 1024, "import_refused")], ids=["small", "huge"]
)
def test_a_binary_is_refused(make_world, tmp_path, size, code):
    """C09."""
    world = make_world()
    on_git(world, tmp_path / "git")

    def blob(folder: Path) -> None:
        (folder / "blob.bin").write_bytes(b"\0\1\2\3" * (size // 4))

    refused(attack(world, writes(TWO, blob), {"create": [*TWO, "blob.bin"]}), code)


def test_a_long_page_and_a_large_fixture_are_fine(make_world):
    """The honest twin of the sizes."""
    edits = {
        **TWO,
        "docs/guide.md": "".join(f"Paragraph {number} says something.\n\n" for number in range(100)),
        "tests/data/rows.json": "[\n"
        + ",\n".join(f'  {{"id": {number}}}' for number in range(300))
        + "\n]\n",
    }
    delivered(attack(make_world(), edits, {"create": sorted(edits)}))


def test_an_operator_can_draw_the_line_lower(make_world):
    """C09: the bound is the policy's."""
    policy = replace(OPEN, guardrail=GuardrailPolicy(files_max=1))
    refused(attack(make_world(policy=policy)), "too_large")


HOMOGLYPHS = ["\u0430dmin = 2\n", "two = 2\ndef is_\u0430llowed(): return True\n", "tw\u043e = 2\n"]


@pytest.mark.parametrize("text", HOMOGLYPHS, ids=map(ascii, HOMOGLYPHS))
def test_a_name_in_two_scripts_waits_for_a_person(make_world, text):
    """C08: the policy of this world merges medium risk alone; a name that reads like another never is that."""
    edits = {**TWO, "two.py": "two = 2\n" + text}
    held(attack(make_world(), edits), "merge_needs_approval")


def test_a_word_in_one_other_script_is_fine(make_world):
    """The honest twin of the look-alikes."""
    edits = {**TWO, "two.py": "two = 2\ngreeting = 'Привет, 世界, γειά'\n"}
    delivered(attack(make_world(), edits))


BEYOND = {
    "another source": {"app.py": "one = 1\ntwo = 2\n"},
    "an existing test": {"tests/test_app.py": "def test_one():\n    assert True\n"},
    "a new file": {"extra.py": "extra = 1\n"},
    "a removal": {"app.py": None},
}


@pytest.mark.parametrize("more", BEYOND.values(), ids=BEYOND.keys())
def test_whatever_was_not_planned_is_out_of_scope(make_world, more):
    """C15."""
    refused(attack(make_world(), {**TWO, **more}), "out_of_scope")


def test_removing_what_was_to_be_altered_is_not_what_was_planned(make_world):
    """C15."""
    world = make_world(files={**BASE_FILES, "old.py": "old = 1\n"})
    done = attack(world, {**TWO, "old.py": None}, {"modify": ["old.py"]})
    refused(done, "removal_not_planned")


def test_what_was_planned_may_be_altered_and_removed(make_world):
    """The honest twin of the scope."""
    world = make_world(files={**BASE_FILES, "old.py": "old = 1\n", "more.py": "more = 1\n"})
    edits = {**TWO, "old.py": None, "more.py": "more = 2\n"}
    delivered(attack(world, edits, {"modify": ["more.py"], "delete": ["old.py"]}))


def test_source_that_looks_at_its_judge_is_refused_wherever_it_lies(make_world):
    """A12: what is imported counts; that the project calls only ``src`` its sources hides nothing."""
    project = replace(PROJECT, source_paths=("src/*",))
    for path in ("two.py", "lib/test/two.py"):
        plan = {"create": [path, "tests/test_two.py"]}
        test = (
            f'from pathlib import Path\n\n\ndef test_two():\n    assert "two" in Path("{path}").read_text()\n'
        )
        peek = {path: "import sys\n\ntwo = sys._getframe(1)\n", "tests/test_two.py": test}
        refused(attack(make_world(project=project), peek, plan), "tamper_frames")


def test_what_was_suspicious_before_may_be_worked_beside(make_world):
    """The honest twin: a program that ends hard on purpose can still be altered."""
    stop = "import os\n\n\ndef stop():\n    os._exit(3)\n"
    world = make_world(files={**BASE_FILES, "stop.py": stop})
    delivered(attack(world, {**TWO, "stop.py": f"{stop}\n\nCODE = 3\n"}, {"modify": ["stop.py"]}))
