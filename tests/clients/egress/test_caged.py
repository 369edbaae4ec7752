"""A program behind a real fence reaches what is on the list through the proxy, and nothing past it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.clients.cage.driving import drive
from tests.clients.egress.rig import Pages, lines, names, served

from keelway.clients.cage import Bounds, Inside, Settings, choose_cage
from keelway.clients.egress import PORT, Egress, EgressGrant, inside_environment, proxy_url

PROGRAM = """
import json, socket, sys, urllib.error, urllib.request

port = int(sys.argv[1])
told = {}
for name in (f"mirror.test:{port}", "other.test"):
    try:
        told[name] = json.load(urllib.request.urlopen(f"http://{name}/page", timeout=20))["path"]
    except urllib.error.HTTPError as error:
        told[name] = f"{error.code} {error.reason}"
try:
    socket.create_connection(("127.0.0.1", port), timeout=5)
    told["past"] = "reached"
except OSError as error:
    told["past"] = "held"
try:
    told["name"] = socket.gethostbyname("mirror.test")
except OSError:
    told["name"] = "unknown"
print(json.dumps(told))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="kw-eg-")).resolve()
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("cage_name", ["bubblewrap", "landlock"])
def test_a_caged_program_goes_through_the_proxy_and_no_other_way(folder: Path, cage_name: str) -> None:
    cage = choose_cage(cage_name, Settings())
    if not cage.facts().works:
        pytest.skip(f"{cage_name} does not work here: {', '.join(cage.facts().missing)}")
    for name in ("home", "workspace"):
        (folder / name).mkdir()
    (folder / "workspace" / "program.py").write_text(PROGRAM)
    egress = Egress(folder / "e", resolve=names(mirror_test=["127.0.0.1"]))
    try:
        with served(Pages) as port:
            hosts = (f"mirror.test:{port}", f"127.0.0.1:{port}")
            isolated = cage.isolates_network
            opened = egress.open(EgressGrant(hosts, str(folder / "egress.jsonl"), loopback=not isolated))
            inside = Inside(
                ("/usr/bin/python3", "program.py", str(port)),
                {"PATH": "/usr/bin:/bin", **inside_environment(proxy_url(opened, isolated=isolated))},
                cwd=str(folder / "workspace"),
                home=str(folder / "home"),
                workspace=str(folder / "workspace"),
                relays={PORT: opened.socket} if isolated else {},
                ports=() if isolated else (urlsplit(opened.url).port or 0,),
                bounds=Bounds(),
            )
            seen = drive(cage, inside, 60)
            totals = egress.close(opened)
    finally:
        egress.stop()
    assert seen.exit_code == 0, seen.stderr
    assert json.loads(seen.stdout) == {
        f"mirror.test:{port}": "/page",
        "other.test": "403 the host is not on the list of this task",
        "past": "held",
        "name": "unknown",
    }
    assert (totals.hosts, totals.refused_hosts) == (("mirror.test",), ("other.test",))
    decided = [line for line in lines(folder / "egress.jsonl") if line["event"] == "decided"]
    assert [line["allowed"] for line in decided] == [True, False]


def test_the_record_is_not_for_the_run(folder: Path) -> None:
    egress = Egress(folder / "e", uid=61_000)
    opened = egress.open(EgressGrant((), str(folder / "egress.jsonl")))
    try:
        assert (folder / "egress.jsonl").stat().st_uid == os.geteuid()
        assert (folder / "egress.jsonl").stat().st_mode & 0o077 == 0
        assert opened.token == ""
    finally:
        egress.stop()
