"""Hand secrets to a process by reference only, and keep them out of everything that is written down."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelway.programs.supervisor.process.secret import HIDDEN, hide, resolve
from keelway.programs.supervisor.refusal import Refusal

sys.path.append(str(Path(__file__).parent))

from test_supervisor_rig import PYTHON, Rig

VALUE = "s3cr3t-value-0815"
ENV_FILE = f"# comment\nexport API_KEY='{VALUE}'\nOTHER=x\nTWICE=1\nTWICE=2\n"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    path = tmp_path / "app.env"
    path.write_text(ENV_FILE)
    path.chmod(0o600)
    return path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as one:
        yield one.boot()


def test_a_secret_reaches_the_process_and_nothing_else(rig: Rig, vault: Path) -> None:
    code = "import os;print('key is', os.environ['KEY']);raise SystemExit(1)"
    secrets = {"KEY": f"file:{vault}#API_KEY"}
    rig.put("a", *PYTHON, code, secrets=secrets, restart="never")
    failed = rig.reach("a", "failed")
    assert rig.log() == f"key is {VALUE}\n"
    assert failed["last_error"].endswith(f"key is {HIDDEN}")
    everything = str(rig.call("GET", "/processes")) + "".join(
        path.read_text() for path in rig.home.iterdir() if path.is_file()
    )
    assert VALUE not in everything
    assert secrets["KEY"] in everything


def test_a_secret_that_others_may_read_starts_nothing(rig: Rig, vault: Path) -> None:
    vault.chmod(0o640)
    status, said = rig.put("a", *PYTHON, "print('ran')", secrets={"KEY": f"file:{vault}#API_KEY"})
    assert (status, said["error"]) == (422, "secret_refused")
    assert f"file:{vault}#API_KEY is open to others (mode 0640)" in said["message"]
    assert VALUE not in str(said)
    assert rig.call("GET", "/processes/a")[0] == 404
    assert not (rig.work / "app.log").exists()


def test_a_secret_is_read_again_at_each_start_and_its_loss_is_told_without_the_log(
    rig: Rig, vault: Path
) -> None:
    code = f"import os;print(os.environ['KEY']);os.chmod({str(vault)!r}, 0o644);raise SystemExit(1)"
    rig.put("a", *PYTHON, code, secrets={"KEY": f"file:{vault}#API_KEY"}, restarts_max=1)
    failed = rig.reach("a", "failed")
    assert "open to others" in failed["last_error"]
    assert "Its log is not shown" in failed["last_error"]
    assert VALUE not in str(failed) + (rig.home / "state.json").read_text()


def test_a_key_and_a_whole_file_are_read(vault: Path, tmp_path: Path) -> None:
    whole = tmp_path / "token"
    whole.write_text("line one\nline two\n")
    whole.chmod(0o400)
    got = resolve({"A": f"file:{vault}#API_KEY", "B": f"file:{whole}", "C": f"file:{vault}#OTHER"})
    assert got == {"A": VALUE, "B": "line one\nline two", "C": "x"}


@pytest.mark.parametrize(
    ("make", "key", "why"),
    [
        (lambda path: None, "", "cannot be opened"),
        (lambda path: path.mkdir(mode=0o700), "", "not a regular file"),
        (lambda path: __import__("os").mkfifo(path, 0o600), "", "not a regular file"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "", "not UTF-8"),
        (lambda path: path.write_bytes(b"a\0b"), "", "NUL"),
        (lambda path: path.write_bytes(b"x" * 70_000), "", "larger than"),
        (lambda path: path.write_text(ENV_FILE), "#MISSING", "no such key"),
        (lambda path: path.write_text(ENV_FILE), "#TWICE", "more than once"),
    ],
)
def test_an_unusable_secret_names_its_reference_and_reason(
    tmp_path: Path, make: object, key: str, why: str
) -> None:
    path = tmp_path / "s"
    make(path)
    if path.is_file():
        path.chmod(0o600)
    with pytest.raises(Refusal, match=why) as caught:
        resolve({"A": f"file:{path}{key}"})
    assert str(path) in caught.value.message


def test_secrets_are_hidden_whole_and_by_line() -> None:
    assert hide("a=abcdef b=abc", ["abc", "abcdef", ""]) == f"a={HIDDEN} b={HIDDEN}"
    assert hide("-----first line-----", ["-----first line-----\nsecond part"]) == HIDDEN
