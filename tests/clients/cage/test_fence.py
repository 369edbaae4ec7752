"""What a program inside bubblewrap sees, reaches and leaves; on real name spaces, as root and as a user."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from keelway.clients.cage import Bounds

from .conftest import Rig

pytestmark = pytest.mark.long

SECRET = "a-secret-of-the-host"


@pytest.fixture
def secret(rig: Rig) -> Path:
    """Return a file beside the workspace that everybody of the host may read."""
    path = rig.folder / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    return path


def test_it_works_and_says_what_bounds_it(rig):
    facts = rig.facts()
    assert facts.works, facts.missing
    assert (facts.isolates_network, facts.trusted_only) == (True, False)
    assert facts.limits in {"cgroup v2", "cgroup v1", "prlimit"}
    assert bool(facts.missing) == (facts.limits == "prlimit")


def test_the_workspace_and_the_home_can_be_written_and_are_given_back(rig):
    rig.write("old", "old")
    seen = rig.sh(
        "cat old && echo new > new && echo mine > $HOME/file", env={"PATH": "/bin", "HOME": str(rig.home)}
    )
    assert (seen.exit_code, seen.stdout, seen.stderr) == (0, "old", "")
    assert (rig.workspace / "new").read_text() == "new\n"
    assert {path.stat().st_uid for path in (rig.workspace, rig.workspace / "new", rig.home / "file")} == {
        rig.user
    }


def test_a_workspace_that_is_only_to_be_read_is_not_written(rig):
    rig.write("old", "old")
    seen = rig.sh("cat old; echo new > new; rm -f old; mv old elsewhere", writes=False)
    assert seen.stdout == "old"
    assert [path.name for path in rig.workspace.iterdir()] == ["old"]


def test_what_is_not_shown_is_neither_read_nor_written(rig, secret):
    script = f"ls {rig.folder}; cat {secret} /etc/shadow; ls /root/*; echo x > {secret}; echo x > {rig.folder}/beside"
    seen = rig.sh(script)
    assert SECRET not in seen.stdout + seen.stderr
    assert sorted(seen.stdout.split()) == ["home", "workspace"]
    assert secret.read_text() == SECRET
    assert not (rig.folder / "beside").exists()


def test_a_link_leads_nowhere(rig, secret):
    (rig.workspace / "link").symlink_to(secret)
    assert SECRET not in rig.sh("cat link; echo x > link").stdout
    assert secret.read_text() == SECRET


def test_what_is_to_be_read_is_read_and_not_written(rig):
    place = rig.folder / "toolchain"
    place.mkdir()
    (place / "tool").write_text("#!/bin/sh\necho ran\n")
    (place / "tool").chmod(0o755)
    seen = rig.sh(f"{place}/tool; echo x > {place}/tool; touch {place}/new", reads=(str(place),))
    assert seen.stdout == "ran\n"
    assert [path.name for path in place.iterdir()] == ["tool"]


def test_only_small_places_in_memory_can_be_written_besides(rig):
    script = "for p in / /etc /usr /dev /run /proc/sys/kernel /root /tmp /dev/shm; do touch $p/x 2>/dev/null && echo $p; done"
    assert rig.sh(script).stdout.split() == ["/tmp", "/dev/shm"]


def test_the_environment_is_exactly_the_given_one(rig):
    seen = rig.sh("tr '\\0' '\\n' < /proc/self/environ", env={"A": "b", "LONG": "x" * 120_000, "ODD": "ü\n="})
    assert seen.stdout == f"A=b\nLONG={'x' * 120_000}\nODD=ü\n=\n"


def test_nothing_of_the_host_shows_in_process_one_or_in_open_files(rig, monkeypatch):
    monkeypatch.setenv("KEY_OF_THE_HOST", SECRET)
    seen = rig.sh(
        "cat /proc/1/environ /proc/*/environ /proc/1/cmdline; ls /proc/self/fd /proc/1/fd /proc/2/fd",
        env={"T": "t0ken"},
    )
    assert SECRET not in seen.stdout
    assert "KEELWAY_CAGE" not in seen.stdout
    descriptors = rig.sh("ls -l /proc/self/fd | wc -l").stdout
    assert int(descriptors) == 5  # a heading, the three pipes and the listing itself


def test_only_its_own_processes_show_and_none_has_rights(rig):
    seen = rig.sh(
        "ls /proc | grep -c '^[0-9]'; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status"
    )
    lines = seen.stdout.split()
    assert int(lines[0]) <= 6
    assert lines[1:] == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]


def test_name_spaces_inside_name_spaces_are_refused(rig):
    assert rig.sh("unshare --user true").exit_code != 0


def test_the_loopback_of_the_host_is_out_of_reach(rig):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = rig.do(
            rig.inside("python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)")
        )
        assert "ConnectionRefusedError" in seen.stderr


def test_an_address_outside_is_out_of_reach(rig):
    seen = rig.do(
        rig.inside("python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 3)")
    )
    assert "Network is unreachable" in seen.stderr


def test_calls_that_no_agent_needs_are_refused(rig):
    script = """
import ctypes, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (250, 248, 425, 321, 323, 298), "aarch64": (219, 217, 425, 280, 282, 241)}
for number in numbers[platform.machine()]:
    print(libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno())
for family in (16, 1, 2, 10, 40, 38, 17):
    try:
        socket.socket(family, socket.SOCK_RAW if family == 16 else socket.SOCK_STREAM).close()
        print(family, "open")
    except OSError as error:
        print(family, error.errno)
"""
    lines = rig.do(rig.inside("python3", "-c", script)).stdout.splitlines()
    assert lines[:6] == ["-1 1"] * 6
    assert lines[6:] == ["16 open", "1 open", "2 open", "10 open", "40 97", "38 97", "17 97"]


def test_pipes_and_exit_codes_come_through_untouched(rig):
    inside = rig.inside("/bin/sh", "-c", "cat; echo err >&2; exit 3")
    text = "line\n" * 50_000
    seen = rig.do(inside, stdin=text)
    assert (seen.exit_code, seen.stdout, seen.stderr) == (3, text, "err\n")
    assert rig.sh("kill -TERM $$").exit_code == 128 + 15
    assert rig.do(rig.inside("/not/there")).exit_code == 125


def test_an_output_that_the_command_closes_is_closed(rig):
    seen = rig.do(rig.inside("/bin/sh", "-c", "exec >&- 2>&-; sleep 1; exit 4"))
    assert seen.exit_code == 4


def test_a_terminating_signal_reaches_the_command(rig):
    script = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
os.kill(2, signal.SIGTERM)
time.sleep(5)
"""
    assert rig.do(rig.inside("python3", "-c", script)).exit_code == 9


def test_the_user_has_a_name_and_the_machine_another(rig):
    seen = rig.sh("id -un; hostname; getent passwd agent | cut -d: -f6; date +%Z")
    assert seen.stdout.split()[:3] == ["agent", "keelway", str(rig.home)]


def test_a_run_without_a_workspace_begins_in_an_empty_folder(rig):
    empty = rig.folder / "empty"
    empty.mkdir(mode=0o777)
    rig.own(empty)
    seen = rig.do(rig.inside("/bin/sh", "-c", "pwd; ls -A; touch x", workspace="", cwd=str(empty)))
    assert seen.stdout.split() == [str(empty)]
    assert not list(empty.iterdir())


def test_rights_to_become_somebody_are_taken_off(rig):
    seen = rig.sh(
        "cp /bin/true t; chmod 6755 t; mkdir d; chmod 2777 d; cp t d/t; chmod 4711 d/t; chmod 0 d; ls -ld t"
    )
    assert "-rws" in seen.stdout
    modes = [path.lstat().st_mode for path in rig.folder.rglob("*")]
    assert len(modes) >= 5
    assert not any(mode & (stat.S_ISUID | stat.S_ISGID) for mode in modes)


def test_a_second_name_of_a_foreign_file_is_cut_off(rig, secret):
    os.link(secret, rig.workspace / "linked")
    secret.chmod(0o644)
    rig.own(secret)
    seen = rig.sh("cat linked; echo changed > linked; chmod 777 linked")
    assert seen.stdout == SECRET
    assert secret.read_text() == SECRET
    assert (secret.stat().st_uid, stat.S_IMODE(secret.stat().st_mode)) == (rig.user, 0o644)
    assert (rig.workspace / "linked").read_text() == "changed\n"


class Echo(BaseHTTPRequestHandler):
    """Answer with what was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "inside"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo(rig: Rig):
    """Serve HTTP on a Unix socket that only its owner may use."""
    path = rig.folder / "gate.sock"
    with ThreadingUnixStreamServer(str(path), Echo) as server:
        path.chmod(0o600)
        rig.own(path)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield path
        server.shutdown()


def test_http_passes_through_a_relay(rig, echo):
    script = """
import http.client, json, threading
def ask(size):
    connection = http.client.HTTPConnection("127.0.0.1", 4180, timeout=20)
    for _ in range(3):
        connection.request("POST", "/", b"x" * size)
        assert connection.getresponse().read() == b"x" * size
    connection.close()
    done.append(size)
done = []
threads = [threading.Thread(target=ask, args=[size]) for size in (1, 1000, 100_000, 3_000_000, 7)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(sorted(done)))
"""
    seen = rig.do(rig.inside("python3", "-c", script, relays={4180: str(echo)}))
    assert json.loads(seen.stdout) == [1, 7, 1000, 100_000, 3_000_000]


def test_a_relay_passes_the_end_of_one_direction_and_not_of_the_other(rig):
    path = rig.folder / "half.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        rig.own(path)
        server.listen()

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                got = b""
                while chunk := peer.recv(65_536):
                    got += chunk
                peer.sendall(str(len(got)).encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        script = """
import socket
s = socket.create_connection(("127.0.0.1", 4181), 20)
s.sendall(b"x" * 500_000); s.shutdown(socket.SHUT_WR); print(s.makefile().read())
"""
        seen = rig.do(rig.inside("python3", "-c", script, relays={4181: str(path)}))
        thread.join(10)
    assert seen.stdout == "500000\n"


def test_a_server_that_is_stuck_holds_up_nobody_else(rig, echo):
    stuck = rig.folder / "stuck.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(stuck))
        rig.own(stuck)
        server.listen(0)
        script = """
import http.client, socket
for _ in range(6):
    socket.create_connection(("127.0.0.1", 4181), 5)
connection = http.client.HTTPConnection("127.0.0.1", 4180, timeout=10)
connection.request("POST", "/", b"still here")
print(connection.getresponse().read().decode())
"""
        relays = {4180: str(echo), 4181: str(stuck)}
        seen = rig.do(rig.inside("python3", "-c", script, relays=relays))
    assert (seen.stdout, seen.exit_code) == ("still here\n", 0)


def test_a_socket_of_a_relay_cannot_be_made_unusable(rig, echo):
    rig.sh("chmod 0 /run/keelway/*; rm -f /run/keelway/*", relays={4180: str(echo)})
    assert stat.S_IMODE(echo.stat().st_mode) == 0o600


def _pids_with(mark: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def test_nothing_survives_a_kill(rig):
    mark = f"3600.{os.getpid()}{rig.user}"
    script = f"""
import os, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "{mark}"])
        os._exit(0)
subprocess.Popen(["setsid", "nohup", "sh", "-c", "while :; do sleep {mark}; done"])
print("ready", flush=True)
time.sleep(3600)
"""
    counts: list[int] = []

    def count() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (not counts or max(counts) < 6):
            counts.append(len([pid for pid in _pids_with(mark) if pid]))
            time.sleep(0.05)

    watcher = threading.Thread(target=count)
    watcher.start()
    seen = rig.do(rig.inside("python3", "-c", script), seconds=4)
    watcher.join()
    assert (seen.over, seen.stdout) == ("time", "ready\n")
    assert max(counts) >= 6
    assert _pids_with(mark) == []


def test_nothing_survives_the_end_of_the_command(rig):
    mark = f"3700.{os.getpid()}{rig.user}"
    seen = rig.sh(f"setsid sleep {mark} & sleep 0.2; exit 5")
    assert seen.exit_code == 5
    assert _pids_with(mark) == []


def test_a_bound_of_nothing_is_no_bound(rig):
    nothing = Bounds(0, 0, 0, 0, 0)
    assert rig.sh("ulimit -f; ulimit -u", bounds=nothing).stdout.split()[0] == "unlimited"
