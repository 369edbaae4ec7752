"""Each environment has the target of the project, under what it says itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.test_config import SMALL

from keelway.adapters.target.process import ProcessTarget
from keelway.app.config import Config, load_config
from keelway.app.home import Home
from keelway.app.target.choose import make_target
from keelway.app.target.dispatch import ByEnvironment, Keeping, Stoppable
from keelway.core.errors import YourFault
from keelway.testing.fakes.target import FakeTarget
from keelway.testing.fakes.vault import FakeVault

PULL = """
[target]
use = "git_pull"
[target.git_pull]
folder = "/srv/app"
preset = "laravel"
env = { APP_ENV = "none", LEVEL = "1" }
[staging.target.git_pull]
host = "deploy@staging"
env = { APP_ENV = "staging" }
[production.target]
use = "process"
"""


def load(folder: Path, text: str) -> Config:
    (folder / "keelway.toml").write_text(text)
    return load_config(folder / "keelway.toml")


def test_an_environment_names_only_what_differs(tmp_path: Path) -> None:
    project = load(tmp_path, SMALL + PULL).project
    staging, production = (project.environment(name).target for name in ("staging", "production"))
    assert (staging.use, production.use) == ("git_pull", "process")
    assert (staging.git_pull.folder, staging.git_pull.host) == ("/srv/app", "deploy@staging")
    assert staging.git_pull.env == {"APP_ENV": "staging", "LEVEL": "1"}
    assert production.git_pull.host == ""


def test_without_a_word_everything_is_a_process_of_this_machine(tmp_path: Path) -> None:
    config = load(tmp_path, SMALL)
    assert {spec.target.use for spec in config.project.environments} == {"process"}
    target = make_target(config, Home(tmp_path / "home"), FakeVault())
    assert isinstance(target, ProcessTarget)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[target]\nuse = "swarm"\n', "staging.target.use 'swarm' is not known; known: "),
        ('[target]\nuse = "git_pull"\n', "folder must be the absolute path"),
        ("[target]\nuser = 1\n", "unknown key target.user, did you mean use?"),
        ("[target.git_pull]\nfolders = 1\n", "unknown key target.git_pull.folders, did you mean folder?"),
        ("target = 3\n", "target"),
        ('[staging.target]\nuse = "manual"\n', "cannot be manual"),
    ],
)
def test_a_wrong_target_is_refused(tmp_path: Path, more: str, said: str) -> None:
    text = more + SMALL if more.startswith("target") else SMALL + more
    with pytest.raises(YourFault) as caught:
        load(tmp_path, text)
    assert (caught.value.code, said in caught.value.message) == ("config_invalid", True), caught.value.message


def test_an_address_of_its_own_takes_the_place_of_the_port(tmp_path: Path) -> None:
    text = SMALL.replace("port = 8001", 'url = "https://staging.example.org/"')
    with pytest.raises(YourFault, match=r"staging.port 0 is no port"):
        load(tmp_path, text)
    project = load(tmp_path, text + PULL).project
    assert project.environment("staging").address == "https://staging.example.org"
    assert project.environment("production").address == "http://127.0.0.1:8002"
    with pytest.raises(YourFault, match="begins with neither"):
        load(tmp_path, SMALL.replace("port = 8001", 'url = "file:///etc"') + PULL)


def test_a_project_without_processes_of_its_own_needs_no_web(tmp_path: Path) -> None:
    text = SMALL.replace('[[process]]\nname = "web"\nrun = ["python", "-m", "small"]\n', "")
    far = '[target]\nuse = "git_pull"\n[target.git_pull]\nfolder = "/srv/app"\n'
    assert load(tmp_path, text + far).project.processes == ()
    with pytest.raises(YourFault, match='named "web"'):
        load(tmp_path, text)


def test_every_verb_reaches_the_target_of_its_environment(tmp_path: Path) -> None:
    one, two = FakeTarget(), FakeTarget()
    both = ByEnvironment({"staging": one, "production": two})
    both.build("staging", "a" * 40, "r-a")
    both.start("staging", "r-a", epoch=1)
    both.switch("staging", {"r-a": 100}, epoch=1)
    both.swap_workers("staging", "r-a", epoch=1)
    assert both.boots("staging", "r-a") == ""
    assert both.state("staging").active == "r-a"
    assert both.state("production").active == ""
    assert both.capabilities("production") == two.capabilities("production")
    assert both.prune("staging", ()) == ()
    assert [call[0] for call in one.calls] == ["build", "start", "switch", "swap_workers", "boots", "prune"]
    assert two.calls == []
    with pytest.raises(YourFault) as caught:
        both.state("nowhere")
    assert caught.value.code == "no_environment"


def test_only_targets_with_daemons_are_kept_up() -> None:
    class Kept(FakeTarget):
        ended = 0.0

        def ensure(self) -> tuple[str, ...]:
            return ("front",)

        def revive(self, environment: str) -> tuple[str, ...]:
            return (environment,)

        def stop_all(self, deadline_seconds: float) -> None:
            self.ended = deadline_seconds

    kept = Kept()
    both = ByEnvironment({"staging": FakeTarget(), "production": kept})
    assert isinstance(both, Keeping)
    assert isinstance(both, Stoppable)
    assert both.ensure() == ("front",)
    assert (both.revive("staging"), both.revive("production")) == ((), ("production",))
    both.stop_all(3.0)
    assert kept.ended == 3.0


def test_migrations_are_tried_on_a_copy_where_the_target_can():
    class Plain:
        """Have nothing but what no test asks for."""

    fake = FakeTarget()
    fake.build("staging", "a" * 40, "r-1")
    both = ByEnvironment({"staging": fake, "production": Plain()})
    assert both.on_copy("staging", "r-1", {}).version() is None
    with pytest.raises(YourFault) as caught:
        both.on_copy("production", "r-1", {})
    assert caught.value.code == "no_copy"
