"""The secrets file: who may read it, what it may hold, and what is read from a reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.adapters.vault.file import FileVault
from keelway.clients.secret_file import read_secrets, resolve
from keelway.core.errors import YourFault


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.env"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, "A=value-1\n", mode)
    with pytest.raises(YourFault, match="can be read by others") as caught:
        FileVault(str(tmp_path)).reference("A")
    assert caught.value.hint == f"chmod 600 {path}"
    assert FileVault(str(tmp_path)).redact("value-1") == "[text withheld: secrets_open]"


def test_lines_are_read_as_the_supervisor_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path, "# words\n\nexport A=one=two\nB='quoted'\nC = spaced \n")
    assert read_secrets(path) == {"A": "one=two", "B": "quoted", "C": "spaced"}
    assert resolve(f"file:{path}#A") == "one=two"


@pytest.mark.parametrize("line", ["no separator", "1A=x", "=x", "A B=x"])
def test_a_line_of_another_form_is_refused_without_its_value(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, f"A=fine\n{line}\n")
    with pytest.raises(YourFault, match="Line 2") as caught:
        read_secrets(path)
    assert line not in str(caught.value)


def test_no_file_is_said_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(YourFault) as caught:
        FileVault(str(tmp_path)).reference("A")
    assert (caught.value.code, "chmod 600" in caught.value.hint) == ("no_secrets_file", True)
    assert FileVault(str(tmp_path)).redact("nothing known") == "nothing known"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path = write(tmp_path, "A=value-1\n")
    real = path.rename(tmp_path / "elsewhere")
    path.symlink_to(real)
    with pytest.raises(YourFault) as caught:
        read_secrets(path)
    assert caught.value.code == "secrets_unreadable"


@pytest.mark.parametrize("reference", ["A", "file:relative#A", "file:/x", "env:A", "file:/x#1"])
def test_bad_references_are_refused(reference: str) -> None:
    with pytest.raises(YourFault) as caught:
        resolve(reference)
    assert caught.value.code == "bad_reference"


def test_short_values_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "A=a\nEMPTY=\n")
    assert FileVault(str(tmp_path)).redact("a banana") == "a banana"
