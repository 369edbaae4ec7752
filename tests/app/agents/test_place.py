"""A program is found with all that it needs to run where nothing else can be read."""

from __future__ import annotations

import json
import venv
from pathlib import Path

from keelway.app.agents.place import find, programs_root, room_of
from keelway.app.agents.profile import Install

NPM = Install(command="mine", npm="@me/mine", version="1.2.3")
PYPI = Install(command="mine", pypi="Me.Mine", version="1.2.3")


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def package(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"name": name, "version": version}))
    return folder


def test_an_npm_program_brings_all_modules_and_its_interpreter(tmp_path: Path) -> None:
    modules = tmp_path / "lib" / "node_modules"
    package(modules / "@me" / "mine", "@me/mine", "9.9.9")
    real = program(modules / "@me" / "mine" / "cli.js", "#!/usr/bin/env mynode\n")
    mynode = program(tmp_path / "node" / "bin" / "mynode")
    link = tmp_path / "bin" / "mine"
    link.parent.mkdir()
    link.symlink_to(real)
    environ = {"PATH": f"{link.parent}:{mynode.parent}", "KEELWAY_AGENTS": str(tmp_path / "none")}
    place = find(NPM, environ)
    assert place is not None
    assert (place.program, place.version) == (str(real), "9.9.9")
    assert place.reads == (str(modules), str(tmp_path / "node"))
    assert place.path == (str(mynode.parent),)


def test_a_binary_of_a_sister_package_still_tells_the_version(tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    package(modules / "@me" / "mine", "@me/mine", "1.2.3")
    package(modules / "@me" / "mine-linux", "@me/mine-linux", "0.0.1")
    real = program(modules / "@me" / "mine-linux" / "mine", "\x7fELF")
    place = find(NPM, {"PATH": str(real.parent), "KEELWAY_AGENTS": str(tmp_path / "none")})
    assert place is not None
    assert place.version == "1.2.3"
    assert place.path == ()


def test_a_python_program_brings_its_environment_and_its_base(tmp_path: Path) -> None:
    room = tmp_path / "tool"
    venv.create(room, with_pip=False, symlinks=True)
    site = next(room.glob("lib/python*/site-packages"))
    (site / "me_mine-4.5.dist-info").mkdir()
    real = program(room / "bin" / "mine", f"#!{room}/bin/python\n")
    place = find(PYPI, {"PATH": str(real.parent), "KEELWAY_AGENTS": str(tmp_path / "none")})
    assert place is not None
    assert place.version == "4.5"
    assert place.reads[0] == str(room)
    base = Path((room / "bin" / "python").resolve()).parent
    assert str(base).startswith("/usr") or str(base.parent) in place.reads


def test_what_keelway_installed_goes_first(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path / "bin"), "KEELWAY_AGENTS": str(tmp_path / "agents")}
    program(tmp_path / "bin" / "mine")
    room = room_of(NPM, environ)
    assert room == tmp_path / "agents" / "me-mine-1.2.3"
    assert find(NPM, environ).program == str(tmp_path / "bin" / "mine")
    ours = program(room / "node_modules" / ".bin" / "mine")
    assert find(NPM, environ).program == str(ours)
    assert find(Install("nothing-of-this-name", "1"), environ) is None


def test_where_agents_are_installed_is_the_users_own(tmp_path: Path) -> None:
    assert programs_root({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "keelway" / "agents"
    assert programs_root({}).parts[-4:] == (".local", "share", "keelway", "agents")
