"""Hold a patch against the policy without doing anything with it: what would each rule say?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.policy.force import in_force
from keelway.clients.git import Git
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.diff import Diff, parse_diff
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.project import PRODUCTION
from keelway.core.model.verdict import Ruling, combine
from keelway.core.owner.codeowners import codeowners_path, owners_of
from keelway.core.policy import Policy
from keelway.core.rule.change.category import diff_categories
from keelway.core.rule.glob import matches
from keelway.core.rule.guardrail import judge_diff
from keelway.core.rule.risk import Risk, assess_diff, at_most
from keelway.core.rule.sensitive import OWNED_FILES

PATCH_BYTES_MAX = 16_000_000
CODEOWNERS_BYTES_MAX = 1_000_000


@dataclass(frozen=True)
class RuleSaid:
    """Say what one rule finds."""

    code: str
    ruling: str
    """``pass``, ``hold`` (a person is asked) or ``fail``."""
    message: str
    examined: int


@dataclass(frozen=True)
class PolicyTrial:
    """Say what would become of a patch under the policy in force."""

    base: str
    head: str
    """The commit, or what the patch was read from."""
    policy: str
    """Digest of the policy."""
    files: int
    lines: int
    rules: tuple[RuleSaid, ...]
    risk: str
    factors: tuple[str, ...]
    categories: dict[str, str]
    owners: dict[str, tuple[str, ...]]
    """Path to its owners by the CODEOWNERS of the base."""
    merge: str
    production: str
    passed: bool
    """No rule refuses it; a person may still be asked."""


def try_patch(config: Config, home: Home, what: str, text: bytes | None = None) -> PolicyTrial:
    """Hold a patch file, or ``BASE..HEAD`` of the repository, against the policy; nothing is altered.

    A plan that names exactly the files of the patch is assumed, since there is none.

    Raises:
        YourFault: there is no such patch or commit, or it does not fit onto ``HEAD``.
    """
    policy = in_force(config, home).policy
    with _borrowed(config.repository) as git:
        base, head = _commits(git, config.repository, what, text)
        facts = parse_diff(base, head, git.diff_raw(base, head), git.diff_numstat(base, head))
        added, removed = git.changed_lines(base, head)
        diff = replace(facts, added_text=added, removed_text=removed)
        path = codeowners_path([entry.path for entry in git.ls_tree(base)])
        owners = (
            (git.read(base, path, CODEOWNERS_BYTES_MAX) or b"").decode("utf-8", "replace") if path else ""
        )
    plan = _assumed(diff)
    verdict = combine("policy", judge_diff(diff, plan, policy.guardrail))
    risk = assess_diff(diff, plan, policy)
    categories = diff_categories(diff, plan, policy.category)
    return PolicyTrial(
        base=base,
        head=what if text is not None else head,
        policy=policy.digest,
        files=len(diff.files),
        lines=diff.lines,
        rules=tuple(
            RuleSaid(found.code, found.ruling.value, found.message, found.examined)
            for found in (*verdict.reasons, *(one for one in verdict.findings if one not in verdict.reasons))
        ),
        risk=risk.level,
        factors=risk.factors,
        categories=categories,
        owners=owners_of(diff.paths, owners),
        merge=_merge(risk, policy),
        production=_production(categories, policy),
        passed=verdict.ruling is not Ruling.FAIL,
    )


@contextmanager
def _borrowed(repository: Path) -> Iterator[Git]:
    """Lend a repository of our own that sees the objects of the user's; whatever is made stays in ours."""
    common = Git(_git_dir(repository)).text("rev-parse", "--path-format=absolute", "--git-common-dir")
    with tempfile.TemporaryDirectory(prefix="keelway-policy-") as place:
        git = Git(str(Path(place) / "try.git"), durable=False)
        git.init_bare("try")
        git.borrow_objects(common)
        yield git


def _git_dir(repository: Path) -> str:
    folder = repository / ".git"
    if folder.is_file():
        named = folder.read_text("utf-8", "replace").removeprefix("gitdir:").strip()
        folder = (repository / named).resolve()
    if not folder.is_dir():
        raise YourFault("no_repository", f"{repository} is no git repository.", "git init, then commit")
    return str(folder)


def _commits(git: Git, repository: Path, what: str, text: bytes | None) -> tuple[str, str]:
    theirs = Git(_git_dir(repository))

    def commit(name: str) -> str:
        found = theirs.rev_parse(name)
        if not found:
            raise YourFault("no_commit", f"There is no commit {name!r} in {repository}.", "git log --oneline")
        return found

    if text is None:
        base, _, head = what.partition("..")
        return commit(base), commit(head.lstrip(".") or "HEAD")
    base = commit("HEAD")
    try:
        with git.index(base) as env:
            git.call("apply", "--cached", "--whitespace=nowarn", "-", stdin=text, env=env)
            tree = git.text("write-tree", env=env)
    except TheirFault as fault:
        raise YourFault(
            "patch_unfit",
            f"{what} cannot be put onto HEAD ({base[:12]}): {fault.message}",
            "check out the commit that it was made for",
        ) from fault
    return base, git.commit_tree(tree, (base,), "Try a patch", 0)


def _assumed(diff: Diff) -> Plan:
    """Return the plan that names exactly what the patch touches, new migrations as such, and grants nothing."""
    by_status = {
        status: tuple(sorted(delta.path for delta in diff.files if delta.status == status))
        for status in "AMDT"
    }
    migrations = tuple(path for path in by_status["A"] if matches(path, OWNED_FILES["migration"]))
    return Plan(
        title="A patch that is tried",
        approach="None: only its rules are asked.",
        kind=Kind.MAINTENANCE,
        create=by_status["A"],
        modify=(*by_status["M"], *by_status["T"]),
        delete=by_status["D"],
        migrations=migrations,
    )


def _merge(risk: Risk, policy: Policy) -> str:
    if "review" in policy.review.approve_stages:
        return "a person is asked: the policy asks one at every review"
    limit = policy.review.auto_merge_risk
    if at_most(risk.level, limit):
        return f"automatic: its risk is {risk.level}, and up to {limit} merges alone"
    return f"a person is asked: its risk is {risk.level}, and " + (
        "nothing merges alone" if limit == "none" else f"up to {limit} merges alone"
    )


def _production(categories: dict[str, str], policy: Policy) -> str:
    if PRODUCTION in policy.review.approve_stages:
        return "a person is asked: the policy asks one before every deploy"
    never = [name for name in policy.category.never_auto_deploy if name in categories]
    if not never:
        return "automatic once staging is passed"
    how = {
        "deploy": "is asked before the deploy",
        "merge": "has to have approved the merge, or is asked before the deploy",
        "plan": "has to have approved the plan or the merge, or is asked before the deploy",
    }[policy.category.deploy_consent]
    return f"a person {how}: {', '.join(never)}"
