"""Rollbacks by order: the menu, any commit, the branch that brings git back, a restore that a person accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.back.lives import active, deployed_by_hand, ended, live, push
from tests.workflows.world import PROJECT, TRUSTING

from keelway.app.queries import Queries
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING, MigrationCommands
from keelway.core.model.task import OWNER
from keelway.core.policy import RollbackPolicy
from keelway.core.release.version import release_name
from keelway.ports.target import Built


def ask(world) -> Queries:
    return Queries.of(world.app, world.engine)


def features(make_world, *words, **settings):
    world = make_world(**settings)
    world.baseline()
    return world, [live(world, word) for word in words]


def test_the_menu_offers_a_b_c_and_d(make_world):
    world, _ = features(make_world, "two", "three")
    (menu,) = ask(world).menu(PRODUCTION)
    history = world.ledger.deployments(PRODUCTION)
    assert (menu.active, menu.previous) == (history[0].release, history[1].release)
    assert [tag.tag for tag in menu.tags] == [name for name, _ in reversed(world.forge.tags())]
    assert all(tag.release for tag in menu.tags)
    assert menu.commits == tuple(entry.sha for entry in history[1:])
    assert {target.release for target in menu.targets} == {entry.release for entry in history[1:]}
    assert [each.environment for each in ask(world).menu()] == [STAGING, PRODUCTION]


@pytest.mark.deploys
@pytest.mark.parametrize("words", ["tag", "sha", "short", "release", "number", "previous"])
def test_whatever_a_target_is_called_it_is_gone_back_to(make_world, words):
    world, (_, later) = features(make_world, "two", "three")
    before = world.ledger.deployments(PRODUCTION)[1]
    called = {
        "tag": next(name for name, sha in world.forge.tags() if sha == before.sha),
        "sha": before.sha,
        "short": before.sha[:9],
        "release": before.release,
        "number": "1",
        "previous": "previous",
    }[words]
    preview = ask(world).rollback_preview(PRODUCTION, called)
    assert preview.to_release == before.release
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, to_release=called))
    assert (done["ok"], active(world)) == (True, before.release)
    assert world.ledger.find(later.task.id).status is Status.ROLLED_BACK
    assert "three.py" not in world.tree("main")
    assert "two.py" in world.tree("main")


@pytest.mark.deploys
def test_several_tasks_are_taken_back_with_what_stands_on_them(make_world):
    world, rows = features(make_world, "two", "three")
    first = world.ledger.deployments(PRODUCTION)[-1]
    preview = ask(world).rollback_preview(PRODUCTION, first.release)
    assert [each.split(" (")[1] for each in preview.undone] == ["T-2)", "T-1)"]
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, to_release=first.release))
    assert (done["ok"], active(world)) == (True, first.release)
    assert [world.ledger.find(row.task.id).status for row in rows] == [Status.ROLLED_BACK] * 2
    assert world.tree("main") == world.tree("develop")
    assert not {"two.py", "three.py"} & set(world.tree("main"))


@pytest.mark.deploys
def test_after_a_way_back_the_task_that_serves_again_can_be_taken_back_too(make_world):
    world, (first, second) = features(make_world, "two", "three")
    with pytest.raises(RequestRefused) as refused:
        world.commands.rollback(first.task.name, OWNER)
    assert (refused.value.code, "--feature" in refused.value.hint) == ("later_releases", True)
    assert ended(world, world.commands.rollback(second.task.name, OWNER))["ok"]
    assert ended(world, world.commands.rollback(first.task.name, OWNER))["ok"]
    assert active(world) == world.ledger.deployments(PRODUCTION)[-1].release


@pytest.mark.deploys
def test_a_commit_that_was_never_deployed_is_built_and_tried_first(make_world):
    world = make_world()
    world.baseline()
    never = push(world, {"never.py": "never = 1\n"})
    sha = world.forge.head("main")
    push(world, {"later.py": "later = 1\n"})
    later = deployed_by_hand(world, lambda: world.commands.deploy(PRODUCTION, "main", OWNER))
    preview = ask(world).rollback_preview(PRODUCTION, sha)
    assert (preview.option, preview.to_release) == ("C", never)
    assert preview.said[0].startswith(f"build {never}")
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, to_release=sha))
    assert (done["ok"], active(world)) == (True, never)
    assert ("boots", PRODUCTION, never) in world.target.calls
    assert [entry.status for entry in world.ledger.deployments(PRODUCTION) if entry.release == later] == [
        "rolled_back"
    ]


@pytest.mark.deploys
def test_a_target_that_cannot_be_built_changes_nothing(make_world):
    world = make_world()
    world.baseline()
    push(world, {"never.py": "never = 1\n"})
    sha = world.forge.head("main")
    push(world, {"later.py": "later = 1\n"})
    later = deployed_by_hand(world, lambda: world.commands.deploy(PRODUCTION, "main", OWNER))
    world.target.behave(sha, builds=False)
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, to_release=sha))
    assert (done["ok"], active(world)) == (False, later)
    assert world.ledger.lease(PRODUCTION, "somebody") is not None


@pytest.mark.deploys
def test_what_no_gate_has_seen_is_no_target(make_world):
    world, (row,) = features(make_world, "two")
    stranger = world.forge.commit("feature/x", world.forge.head("main"), {"x.py": "x = 1\n"}, "x").sha
    bad = world.ledger.find(row.task.id).commit_sha
    with pytest.raises(RequestRefused) as refused:
        world.commands.rollback(PRODUCTION, OWNER, to_release=stranger)
    assert refused.value.code == "not_on_a_branch"
    with pytest.raises(RequestRefused) as refused:
        world.commands.rollback(PRODUCTION, OWNER, to_release="r-000000000000")
    assert refused.value.code == "unknown_target"
    for words in ("nonsense", "7"):
        with pytest.raises(YourFault):
            world.commands.rollback(PRODUCTION, OWNER, to_release=words)
    assert ended(world, world.commands.rollback(row.task.name, OWNER))["ok"]
    with pytest.raises(RequestRefused) as refused:
        world.commands.rollback(PRODUCTION, OWNER, to_release=bad)
    assert refused.value.code == "quarantined"


def test_what_a_person_deployed_is_barred_and_git_gets_a_branch_that_a_person_merges(make_world):
    world = make_world()
    before = world.baseline()
    tree = world.tree("main")
    push(world, {"later.py": "later = 1\n"})
    bad_sha = world.forge.head("main")
    deployed_by_hand(world, lambda: world.commands.deploy(PRODUCTION, "main", OWNER))
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, reason="it smells"))
    assert (done["ok"], active(world)) == (True, before)
    assert [(entry.sha, entry.revert_sha) for entry in world.ledger.quarantined()] == [(bad_sha, "")]
    assert "keelway rollback --land 1" in done["message"]
    pull = world.forge.pull(1)
    assert (pull.base, pull.state) == ("main", "open")
    assert world.forge.history[pull.head_sha].files == tree
    refused = ended(world, world.commands.deploy(PRODUCTION, "main", OWNER))
    assert (refused["ok"], "quarantined" in refused["message"]) == (False, True)
    landed = ended(world, world.commands.back.land(1, OWNER))
    assert landed["ok"], landed["message"]
    assert world.tree("main") == world.tree("develop") == tree
    assert world.ledger.quarantined()[0].revert_sha == world.forge.pull(1).merge_sha
    assert ended(world, world.commands.deploy(PRODUCTION, "main", OWNER))["ok"]


@pytest.mark.deploys
def test_a_branch_can_be_prepared_before_it_is_needed(make_world):
    world, _ = features(make_world, "two")
    before = world.ledger.deployments(PRODUCTION)[1]
    runs = active(world)
    done = ended(world, world.commands.back.prepare(PRODUCTION, OWNER))
    assert done["ok"], done["message"]
    pulls = [world.forge.pull(number) for number in range(1, 10) if world.forge.book.pull(number)]
    pull = pulls[-1]
    assert (pull.base, pull.state, pull.head.startswith("rollback/production-")) == ("main", "open", True)
    assert world.forge.history[pull.head_sha].files == world.forge.history[before.sha].files
    assert active(world) == runs
    assert "two.py" in world.tree("main")
    landed = ended(world, world.commands.back.land(pull.number, OWNER))
    assert landed["ok"], landed["message"]
    assert "two.py" not in world.tree("main")
    again = ended(world, world.commands.back.prepare(PRODUCTION, OWNER))
    assert (again["ok"], "already" in again["message"]) == (False, True)


@pytest.mark.deploys
def test_a_pull_request_of_something_else_is_not_landed(make_world):
    world, (row,) = features(make_world, "two")
    number = world.ledger.find(row.task.id).pull_request
    done = ended(world, world.commands.back.land(number, OWNER))
    assert (done["ok"], "no pull request of a rollback" in done["message"]) == (False, True)


@pytest.mark.deploys
def test_a_rollback_is_not_landed_over_work_that_came_since(make_world):
    world, _ = features(make_world, "two")
    ended(world, world.commands.back.prepare(PRODUCTION, OWNER))
    number = max(n for n in range(1, 10) if world.forge.book.pull(n))
    push(world, {"later.py": "later = 1\n"})
    done = ended(world, world.commands.back.land(number, OWNER))
    assert (done["ok"], "moved since" in done["message"]) == (False, True)
    assert "later.py" in world.tree("main")


@pytest.mark.deploys
def test_a_later_commit_can_cure_what_is_quarantined(make_world):
    world = make_world()
    world.baseline()
    push(world, {"later.py": "later = 1\n"})
    bad = world.forge.head("main")
    deployed_by_hand(world, lambda: world.commands.deploy(PRODUCTION, "main", OWNER))
    assert ended(world, world.commands.rollback(PRODUCTION, OWNER))["ok"]
    with pytest.raises(YourFault):
        world.commands.back.cure(bad[:9], bad, OWNER)
    with pytest.raises(YourFault):
        world.commands.back.cure("ffffffff", "main", OWNER)
    push(world, {"later.py": "later = 2\n"}, "Mend it")
    cured = world.commands.back.cure(bad[:9], "main", OWNER)
    assert cured.revert_sha == world.forge.head("main")
    assert [entry.revert_sha for entry in ask(world).quarantine()] == [cured.revert_sha]
    assert ended(world, world.commands.deploy(PRODUCTION, "main", OWNER))["ok"]


@pytest.mark.deploys
def test_an_order_opens_an_incident(make_world):
    world, (row,) = features(make_world, "two")
    assert ended(world, world.commands.rollback(row.task.name, OWNER, reason="users complain"))["ok"]
    (incident,) = world.ledger.incidents()
    assert (incident["task"], "users complain" in incident["body"]) == (row.task.id, True)


def outgrown(make_world):
    """Bring a release live whose schema the one before cannot bear, and which has no way down."""
    commands = MigrationCommands(("up",), ("down", "{steps}"), ("status",))
    world = make_world(
        policy=replace(TRUSTING, rollback=RollbackPolicy(restore_data="ask")),
        project=replace(PROJECT, migrate=commands),
    )
    before = world.baseline()
    world.target.behave(before, schema=1)
    for place in world.target.places.values():
        place.schema = 1
    build = world.target.build

    def build_newer(environment, sha, release) -> Built:
        if "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, schema=2)
        return build(environment, sha, release)

    world.target.build = build_newer
    row = live(world, "two")
    after = active(world)
    for release in (after, world.ledger.deployments(PRODUCTION)[0].sha):
        world.target.behave(release, schema=2, down=False)
    world.target.places[PRODUCTION].running.discard(before)
    well = world.target._well

    def only_on_the_old_schema(environment, release):
        fits = release != before or world.target.places[environment].schema < 2
        return well(environment, release) and fits

    world.target._well = only_on_the_old_schema
    newest = world.ledger.deployments(PRODUCTION)[0]
    world.ledger.save_deployment(replace(newest, figures={**newest.figures, "previous_fits": False}))
    world.backup.data[PRODUCTION]["ships"] = 107
    restore = world.backup.restore

    def restored(backup, *, key):
        restore(backup, key=key)
        world.target.places[PRODUCTION].schema = 1

    world.backup.restore = restored
    return world, row, before


@pytest.mark.deploys
def test_a_restore_is_walked_once_a_person_accepts_the_loss_that_was_shown(make_world):
    world, row, before = outgrown(make_world)
    shown = ask(world).rollback_preview(row.task.name)
    assert shown.at_stake == "7 rows of ships"
    stopped = ended(world, world.commands.rollback(row.task.name, OWNER))
    assert not stopped["ok"]
    assert world.backup.restored == []
    assert world.ledger.freeze().active
    assert f"keelway rollback {PRODUCTION} --restore" in world.told()
    preview = ask(world).rollback_preview(PRODUCTION, restore=True)
    assert preview.at_stake == "7 rows of ships"
    done = ended(world, world.commands.rollback(PRODUCTION, OWNER, restore=True))
    assert done["ok"], done["message"]
    assert (active(world), world.backup.data[PRODUCTION]["ships"]) == (before, 100)


@pytest.mark.deploys
def test_without_a_backup_no_restore_can_be_accepted(make_world):
    world = make_world()
    world.backup.data.clear()
    world.baseline()
    row = live(world, "two")
    with pytest.raises(RequestRefused) as refused:
        world.commands.rollback(row.task.name, OWNER, restore=True)
    assert refused.value.code == "no_backup"


@pytest.mark.deploys
def test_when_the_release_before_is_gone_the_next_good_one_serves_and_git_follows(make_world):
    world, rows = features(make_world, "two", "three")
    newest, middle, first = (entry.release for entry in world.ledger.deployments(PRODUCTION))
    place = world.target.places[PRODUCTION]
    place.running.discard(middle)
    place.ran.discard(middle)
    sha = place.built.pop(middle)
    done = ended(world, world.commands.rollback(rows[1].task.name, OWNER))
    assert (done["ok"], active(world)) == (True, first)
    assert release_name(sha) == middle != newest
    assert "keelway rollback --land" in done["message"]
