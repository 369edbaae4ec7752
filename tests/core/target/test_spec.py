"""Settings of targets that can never work are named before anything is deployed."""

from __future__ import annotations

import pytest

from keelway.core.target.fill import fill, fill_all
from keelway.core.target.spec import (
    PRESETS,
    GitPullSpec,
    ManualSpec,
    PlatformSpec,
    StepSpec,
    TargetSpec,
    steps_of,
    target_problems,
)

PLATFORM = PlatformSpec(push="ssh://git@host/app.git", status=("status",), live=("live",))


def problems(spec: TargetSpec) -> str:
    return "; ".join(target_problems(spec, "staging"))


@pytest.mark.parametrize(
    ("use", "in_place"),
    [("process", False), ("docker", False), ("git_pull", True), ("platform", True), ("manual", True)],
)
def test_a_target_is_in_place_or_kept_here(use: str, in_place: bool) -> None:
    spec = TargetSpec(use)
    assert (spec.in_place, spec.local) == (in_place, not in_place)


@pytest.mark.parametrize(
    "spec",
    [
        TargetSpec(),
        TargetSpec("git_pull", git_pull=GitPullSpec("/srv/app", "deploy@host", preset="laravel")),
        TargetSpec("git_pull", git_pull=GitPullSpec("/srv/app", step=(StepSpec("build", ("make",)),))),
        TargetSpec("platform", platform=PLATFORM),
        TargetSpec("platform", platform=PlatformSpec(github="a/b", rollback=("back", "{sha}"))),
        TargetSpec("manual"),
        TargetSpec("manual", manual=ManualSpec(build=("make",), artefacts=("dist/*",))),
    ],
)
def test_what_can_work_has_no_problem(spec: TargetSpec) -> None:
    assert target_problems(spec, "staging") == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (GitPullSpec(), "staging.target.git_pull: folder must be the absolute path"),
        (GitPullSpec("app"), "folder must be the absolute path"),
        (GitPullSpec("/app", host="-oProxyCommand=x"), "host '-oProxyCommand=x' is none"),
        (GitPullSpec("/app", host="a b"), "host 'a b' is none"),
        (GitPullSpec("/app", remote="--upload-pack=x"), "remote '--upload-pack=x' is no name"),
        (GitPullSpec("/app", preset="rails"), "preset 'rails' is not known; known: laravel"),
        (GitPullSpec("/app", step=(StepSpec("s", ()),)), "step 's' has an empty command"),
        (GitPullSpec("/app", step=(StepSpec("s", ("x",), "later"),)), "when is 'later'"),
    ],
)
def test_what_a_clone_cannot_be_is_named(spec: GitPullSpec, said: str) -> None:
    assert said in problems(TargetSpec("git_pull", git_pull=spec))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (PlatformSpec(), "nothing starts a deployment"),
        (PlatformSpec(), "nothing says whether a deployment is Ready"),
        (PlatformSpec(), "nothing says what is live"),
        (PlatformSpec(github="a/b"), "there is no way back"),
        (PlatformSpec(push="-x", status=("s",), live=("l",)), "push and branch must be"),
        (PlatformSpec(push="x", branch="a b", status=("s",), live=("l",)), "push and branch must be"),
        (
            PlatformSpec(push="x", status=("s",), live=("l",), poll_seconds=0.0),
            "poll_seconds must be above 0",
        ),
    ],
)
def test_what_a_platform_needs_is_named(spec: PlatformSpec, said: str) -> None:
    assert said in problems(TargetSpec("platform", platform=spec))


def test_a_manual_build_names_its_artefacts() -> None:
    assert "artefacts names none" in problems(TargetSpec("manual", manual=ManualSpec(build=("make",))))


def test_own_steps_take_the_place_of_the_preset() -> None:
    own = (StepSpec("only", ("true",)),)
    assert steps_of(GitPullSpec("/app", preset="laravel")) == PRESETS["laravel"]
    assert steps_of(GitPullSpec("/app", preset="laravel", step=own)) == own
    assert steps_of(GitPullSpec("/app")) == ()


def test_the_preset_of_laravel_is_the_known_list_in_its_order() -> None:
    steps = [(step.when, " ".join(step.run)) for step in PRESETS["laravel"]]
    assert steps == [
        ("before", "composer install --no-dev --optimize-autoloader --no-interaction"),
        ("after", "php artisan config:cache"),
        ("after", "php artisan route:cache"),
        ("after", "php artisan view:cache"),
        ("after", "npm run build"),
        ("after", "php artisan queue:restart"),
    ]


def test_only_known_placeholders_are_filled_and_only_once() -> None:
    assert fill("{sha}-{other}-{sha}", sha="{other}", release="r") == "{other}-{other}-{other}"
    assert fill("a{}b{ sha }", sha="x") == "a{}b{ sha }"
    assert fill_all(("deploy", "{sha}"), sha="; rm -rf /") == ("deploy", "; rm -rf /")
