"""Hold every forge to the same promises."""
# ruff: noqa: PLR2004, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import pytest

from keelway.core.errors import KeelwayError, PolicyRefused, TheirFault, YourFault
from keelway.ports.forge import CheckRun, Forge, Merge, Pull, PullDraft

Edits = Mapping[str, str | None]
"""New text by path; None removes the file."""

START = {"README.md": "hello\n", "app.py": "one = 1\n", "docs/page.md": "page\n"}


class Bench(Protocol):
    """Prepare what a forge by itself does not do: make patches and act as the people outside."""

    forge: Forge
    """``develop`` and ``main`` at one commit that holds ``START``."""

    def patch(self, branch: str, base_sha: str, edits: Edits) -> str:
        """Put one commit on a base, keep it under a branch and return it."""
        ...

    def people_push(self, edits: Edits, *, rewrite: bool = False) -> str:
        """Commit to production in the people's own repository; ``rewrite`` replaces their last commit."""
        ...


class ForgeTests:
    """Subclass it with one fixture: ``bench``."""

    def open(self, bench: Bench, edits: Edits, branch: str = "feature/one", base: str = "develop") -> Pull:
        """Make a patch on the head of a branch and open a pull request for it."""
        head = bench.patch(branch, bench.forge.head(base), edits)
        draft = PullDraft("T-1", "title", "body", base, branch, head)
        return bench.forge.open_pull(draft, key=f"{branch}/open")

    def land(self, bench: Bench, pull: Pull, key: str = "T-1/merge", *, squash: bool = True) -> Merge:
        """Merge a pull request as it was opened."""
        said, (head, base) = "feat: one\n\nAgent-task: T-1", (pull.head_sha, pull.base_sha)
        return bench.forge.merge(
            pull.number, head_sha=head, base_sha=base, message=said, squash=squash, key=key
        )

    def refused(self, code: str, kind: type[KeelwayError], act: object) -> None:
        """Expect one error code."""
        assert callable(act)
        with pytest.raises(kind) as caught:
            act()
        assert caught.value.code == code

    def test_starts_with_both_branches(self, bench: Bench) -> None:
        """Know the branches, the files and the absence of both."""
        forge = bench.forge
        assert forge.head("develop") == forge.head("main") == forge.refresh()
        assert forge.files(forge.head("main")) == tuple(sorted(START))
        assert forge.read(forge.head("main"), "docs/page.md") == "page\n"
        assert forge.read(forge.head("main"), "docs") == forge.read(forge.head("main"), "none") == ""
        assert forge.texts(forge.head("main"), ("docs/page.md", "no", "docs")) == {"docs/page.md": "page\n"}
        self.refused("no_branch", YourFault, lambda: forge.head("nowhere"))
        assert forge.resolve("main") == forge.resolve(forge.head("main")[:10]) == forge.head("main")
        self.refused("no_commit", YourFault, lambda: forge.resolve("nowhere"))

    def test_diff_states_facts(self, bench: Bench) -> None:
        """State paths, kinds, counts, added and removed lines."""
        base = bench.forge.head("develop")
        edits = {"app.py": "one = 1\ntwo = 2\n", "README.md": None, "new.py": "x\n"}
        head = bench.patch("feature/one", base, edits)
        diff = bench.forge.diff(base, head)
        assert {d.path: d.status for d in diff.files} == {"README.md": "D", "app.py": "M", "new.py": "A"}
        assert diff.lines == 3
        assert diff.added_text == {"app.py": ((2, "two = 2"),), "new.py": ((1, "x"),)}
        assert bench.forge.diff(head, base).removed_text == diff.added_text
        assert "+two = 2" in bench.forge.patch(base, head)
        assert bench.forge.contains(base, head)
        assert not bench.forge.contains(head, base)

    def test_pull_is_opened_once_and_updated(self, bench: Bench) -> None:
        """Keep one open pull request for a pair of branches."""
        first = self.open(bench, {"new.py": "1\n"})
        assert (first.state, first.base, first.head) == ("open", "develop", "feature/one")
        assert first.base_sha == bench.forge.head("develop")
        again = self.open(bench, {"new.py": "2\n"})
        assert again.number == first.number
        assert again.head_sha != first.head_sha
        assert bench.forge.pull(first.number).head_sha == again.head_sha
        stale = PullDraft("T-1", "t", "b", "develop", "feature/one", first.head_sha)
        self.refused("head_moved", TheirFault, partial(bench.forge.open_pull, stale, key="other"))
        self.refused("no_pull", YourFault, lambda: bench.forge.pull(999))
        self.refused("no_pull", YourFault, lambda: bench.forge.comment(999, "x", key="c"))

    def test_squash_merge_is_one_commit_and_happens_once(self, bench: Bench) -> None:
        """Return the first merge when asked again with its key."""
        base = bench.forge.head("develop")
        pull = self.open(bench, {"new.py": "1\n"})
        merge = self.land(bench, pull)
        assert merge.previous_sha == base
        assert bench.forge.head("develop") == merge.sha
        assert not bench.forge.contains(pull.head_sha, merge.sha)
        assert bench.forge.read(merge.sha, "new.py") == "1\n"
        told = bench.forge.pull(pull.number)
        assert (told.state, told.merge_sha) == ("merged", merge.sha)
        assert self.land(bench, pull) == merge
        assert bench.forge.head("develop") == merge.sha
        self.refused("pull_not_open", TheirFault, lambda: self.land(bench, pull, "other key"))

    def test_merge_repeated_after_later_work_finds_itself(self, bench: Bench) -> None:
        """Find the merge below what came after it."""
        pull = self.open(bench, {"new.py": "1\n"})
        merge = self.land(bench, pull)
        later = self.land(bench, self.open(bench, {"other.py": "1\n"}, "feature/two"), "two")
        assert self.land(bench, pull) == merge
        assert bench.forge.head("develop") == later.sha

    def test_true_merge_keeps_both_parents(self, bench: Bench) -> None:
        """Keep the history of both sides without squash."""
        self.land(bench, self.open(bench, {"new.py": "1\n"}))
        forge = bench.forge
        head, base = forge.head("develop"), forge.head("main")
        draft = PullDraft("T-1", "deploy", "b", "main", "develop", head)
        pull = forge.open_pull(draft, key="promote")
        merge = self.land(bench, pull, "promote", squash=False)
        assert all(forge.contains(sha, merge.sha) for sha in (head, base))
        assert merge.tree_sha == self.land(bench, pull, "promote", squash=False).tree_sha
        again = forge.open_pull(draft, key="promote again")
        repeat = partial(self.land, bench, again, "promote again", squash=False)
        self.refused("nothing_to_merge", TheirFault, repeat)

    def test_merge_compares_both_commits(self, bench: Bench) -> None:
        """Refuse when base or head have moved."""
        one = self.open(bench, {"one.py": "1\n"})
        two = self.open(bench, {"two.py": "2\n"}, "feature/two")
        self.land(bench, one, "one")
        self.refused("base_moved", TheirFault, lambda: self.land(bench, two, "two"))
        bench.patch("feature/two", two.base_sha, {"two.py": "3\n"})
        self.refused("head_moved", TheirFault, lambda: self.land(bench, two, "two"))

    def test_conflicts_are_named_and_refused(self, bench: Bench) -> None:
        """Name the conflicting paths and move nothing."""
        start = bench.forge.head("develop")
        self.land(bench, self.open(bench, {"app.py": "one = 2\n"}), "one")
        head = bench.patch("feature/two", start, {"app.py": "one = 3\n", "fine.py": "x\n"})
        assert bench.forge.conflicts("develop", head) == ("app.py",)
        pull = bench.forge.open_pull(PullDraft("T-2", "t", "b", "develop", "feature/two", head), key="two")
        at = bench.forge.head("develop")
        self.refused("merge_conflict", TheirFault, lambda: self.land(bench, pull, "two"))
        assert bench.forge.head("develop") == at
        assert bench.forge.conflicts("main", head) == ()

    def test_rebase_keeps_the_patch_or_names_the_conflict(self, bench: Bench) -> None:
        """Carry a patch over newer work, twice alike."""
        forge, start = bench.forge, bench.forge.head("develop")
        head = bench.patch("feature/two", start, {"two.py": "2\n", "README.md": None})
        clash = bench.patch("feature/three", start, {"app.py": "one = 3\n"})
        onto = self.land(bench, self.open(bench, {"app.py": "one = 2\n"}), "one").sha
        done = forge.rebase(head, onto, "two", "feature/two")
        assert done.conflicts == ()
        assert forge.head("feature/two") == done.head_sha
        assert forge.rebase(head, onto, "two", "feature/two") == done
        assert forge.diff(onto, done.head_sha).paths == {"two.py", "README.md"}
        assert forge.read(done.head_sha, "app.py") == "one = 2\n"
        assert forge.rebase(clash, onto, "three", "feature/three").conflicts == ("app.py",)
        assert forge.head("feature/three") == clash
        bench.patch("feature/two", onto, {"two.py": "other\n"})
        self.refused("head_moved", TheirFault, lambda: forge.rebase(head, start, "x", "feature/two"))

    def test_rebase_back_onto_an_older_base(self, bench: Bench) -> None:
        """Take only the patch along, not its old base."""
        start = bench.forge.head("develop")
        newer = self.land(bench, self.open(bench, {"one.py": "1\n"}), "one").sha
        head = bench.patch("feature/two", newer, {"two.py": "2\n"})
        back = bench.forge.rebase(head, start, "two", "feature/two")
        assert bench.forge.files(back.head_sha) == tuple(sorted([*START, "two.py"]))

    def test_compose_takes_single_paths(self, bench: Bench) -> None:
        """Mix two commits by paths."""
        base = bench.forge.head("develop")
        head = bench.patch("feature/one", base, {"app.py": "2\n", "README.md": None, "new/x.py": "x\n"})
        mixed = bench.forge.compose(base, head, ("app.py", "README.md", "nowhere"))
        assert bench.forge.files(mixed) == ("app.py", "docs/page.md")
        assert bench.forge.read(mixed, "app.py") == "2\n"
        assert bench.forge.compose(base, head, ("app.py", "README.md", "nowhere")) == mixed
        assert bench.forge.contains(base, mixed)

    def test_revert_undoes_an_older_commit_once(self, bench: Bench) -> None:
        """Keep later work when an older commit goes."""
        bad = self.land(bench, self.open(bench, {"bad.py": "1\n", "app.py": "bad\n"}), "bad")
        self.land(bench, self.open(bench, {"good.py": "good work, unlike the bad\n"}, "feature/two"), "good")
        undone = bench.forge.revert("develop", bad.sha, "Revert bad", key="revert")
        assert bench.forge.head("develop") == undone.sha
        assert bench.forge.files(undone.sha) == tuple(sorted([*START, "good.py"]))
        assert bench.forge.read(undone.sha, "app.py") == START["app.py"]
        assert bench.forge.revert("develop", bad.sha, "Revert bad", key="revert") == undone
        again = bench.forge.revert("develop", bad.sha, "Revert bad", key="another")
        assert again.sha == bench.forge.head("develop") == undone.sha

    def test_revert_of_a_merge_undoes_all_it_brought(self, bench: Bench) -> None:
        """Take a promotion back as a whole."""
        forge = bench.forge
        self.land(bench, self.open(bench, {"one.py": "1\n"}), "one")
        self.land(bench, self.open(bench, {"two.py": "2\n"}, "feature/two"), "two")
        draft = PullDraft("T-1", "deploy", "b", "main", "develop", forge.head("develop"))
        merge = self.land(bench, forge.open_pull(draft, key="p"), "p", squash=False)
        undone = forge.revert("main", merge.sha, "Revert the promotion", key="r")
        assert forge.files(undone.sha) == tuple(sorted(START))
        assert undone.previous_sha == merge.sha

    def test_revert_conflict_and_strange_commits_are_refused(self, bench: Bench) -> None:
        """Refuse what cannot be undone alone."""
        forge, first = bench.forge, bench.forge.head("develop")
        bad = self.land(bench, self.open(bench, {"app.py": "bad = 1\n"}), "bad")
        tip = self.land(bench, self.open(bench, {"app.py": "bad = 2\n"}, "feature/two"), "on top")
        self.refused("revert_conflict", TheirFault, lambda: forge.revert("develop", bad.sha, "m", key="r"))
        assert forge.head("develop") == tip.sha
        loose = bench.patch("feature/loose", first, {"x": "x\n"})
        for sha in (loose, first):
            self.refused("not_on_branch", YourFault, partial(forge.revert, "develop", sha, "m", key=sha))

    def test_checks_are_bound_to_the_commit_and_the_latest_rules(self, bench: Bench) -> None:
        """Answer for one commit only."""
        sha = bench.forge.head("develop")
        bench.forge.set_check(CheckRun("tests", sha, passed=False, examined=3), key="a")
        bench.forge.set_check(CheckRun("tests", sha, passed=True, examined=4), key="b")
        assert bench.forge.checks(sha) == (CheckRun("tests", sha, passed=True, examined=4),)
        assert bench.forge.checks(bench.patch("feature/x", sha, {"x": "x\n"})) == ()

    def test_tag_is_for_ever(self, bench: Bench) -> None:
        """Never move a tag."""
        sha = bench.forge.head("develop")
        bench.forge.tag("v1.0.0", sha, "first", key="tag")
        bench.forge.tag("v1.0.0", sha, "first", key="tag")
        assert bench.forge.resolve("v1.0.0") == sha
        assert bench.forge.tags() == (("v1.0.0", sha),)
        other = self.land(bench, self.open(bench, {"x": "x\n"})).sha
        self.refused("tag_taken", TheirFault, lambda: bench.forge.tag("v1.0.0", other, "m", key="t"))
        assert bench.forge.tags() == (("v1.0.0", sha),)

    def test_issue_is_opened_once_and_closed(self, bench: Bench) -> None:
        """Open one issue per key."""
        first = bench.forge.open_issue("title", "body", ("keelway",), key="i")
        assert bench.forge.open_issue("title", "body", ("keelway",), key="i") == first
        assert bench.forge.open_issue("title", "body", (), key="j") != first
        for _ in range(2):
            bench.forge.close_issue(first, "done", key="c")
        self.refused("no_issue", YourFault, lambda: bench.forge.close_issue(999, "x", key="c2"))

    def test_protected_branches_stay(self, bench: Bench) -> None:
        """Refuse to treat protected branches like task branches."""
        forge, head = bench.forge, bench.patch("feature/one", bench.forge.head("develop"), {"x": "x\n"})
        for branch in ("develop", "main"):
            at = forge.head(branch)
            self.refused("protected_branch", PolicyRefused, lambda b=branch: forge.delete_branch(b, key="d"))
            self.refused("protected_branch", PolicyRefused, lambda b=branch: forge.rebase(head, head, "m", b))
            assert forge.head(branch) == at
        for _ in range(2):
            forge.delete_branch("feature/one", key="d")
        self.refused("no_branch", YourFault, lambda: forge.head("feature/one"))
        assert forge.read(head, "x") == "x\n", "the commit outlives its branch"

    def test_refresh_takes_over_what_people_pushed(self, bench: Bench) -> None:
        """Carry pushed work into both branches."""
        forge = bench.forge
        pushed = bench.people_push({"people.txt": "1\n"})
        assert forge.refresh() == pushed == forge.refresh()
        assert forge.head("main") == forge.head("develop") == pushed
        self.land(bench, self.open(bench, {"one.py": "1\n"}))
        pushed = bench.people_push({"people.txt": "2\n"})
        assert forge.refresh() == pushed == forge.head("main")
        develop = forge.head("develop")
        assert forge.contains(pushed, develop)
        assert (forge.read(develop, "one.py"), forge.read(develop, "people.txt")) == ("1\n", "2\n")
        assert forge.refresh() == pushed
        assert forge.head("develop") == develop

    def test_refresh_leaves_our_lead_alone(self, bench: Bench) -> None:
        """Do nothing when the origin is behind."""
        ours = self.land(bench, self.open(bench, {"hot.py": "1\n"}, "hotfix/x", "main")).sha
        assert bench.forge.refresh() == ours == bench.forge.head("main")

    def test_refresh_refuses_what_does_not_fit(self, bench: Bench) -> None:
        """Move nothing when histories or contents clash."""
        forge = bench.forge
        self.land(bench, self.open(bench, {"app.py": "ours = 1\n"}))
        before = forge.head("develop"), forge.head("main")
        bench.people_push({"app.py": "theirs = 1\n"})
        self.refused("integration_conflict", YourFault, forge.refresh)
        assert (forge.head("develop"), forge.head("main")) == before
        bench.people_push({"app.py": START["app.py"], "x": "x\n"}, rewrite=True)
        after = forge.refresh()
        bench.people_push({"app.py": "rewritten\n"}, rewrite=True)
        self.refused("base_diverged", YourFault, forge.refresh)
        assert forge.head("main") == after
