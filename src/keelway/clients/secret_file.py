"""Read a file of ``KEY=value`` lines that nobody else may read."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from keelway.clients.files import read_bounded
from keelway.core.errors import TheirFault, YourFault

_BYTES_MAX = 64 * 1024
_REFERENCE = re.compile(r"file:(?P<path>/[^#\0]+)#(?P<key>[A-Za-z_][A-Za-z0-9_]*)")


def read_secrets(path: Path) -> dict[str, str]:
    """Return the secrets of a file by name; empty lines and lines that begin with ``#`` do not count.

    Raises:
        YourFault: the file is not there, readable by others, of another user, or has a line of another form.
    """
    try:
        facts = path.lstat()
        text = read_bounded(path, _BYTES_MAX).decode()
    except FileNotFoundError:
        raise YourFault(
            "no_secrets_file", f"There is no {path}.", f"write NAME=value lines into {path}; chmod 600 {path}"
        ) from None
    except (TheirFault, UnicodeDecodeError, OSError) as error:
        raise YourFault(
            "secrets_unreadable", f"{path} cannot be read: {error}.", "correct the file"
        ) from error
    if stat.S_IMODE(facts.st_mode) & 0o077 or facts.st_uid not in {os.geteuid(), 0}:
        raise YourFault("secrets_open", f"{path} can be read by others.", f"chmod 600 {path}")
    return dict(
        _pair(path, number, line) for number, line in enumerate(text.splitlines(), 1) if _counts(line)
    )


def resolve(reference: str) -> str:
    """Return the value behind ``file:/path#NAME``, for a program that is started at once.

    Raises:
        YourFault: there is no such secret, or its file is readable by others.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise YourFault(
            "bad_reference", f"{reference!r} is no reference to a secret.", "write file:/path#NAME"
        )
    secrets = read_secrets(Path(found["path"]))
    if found["key"] not in secrets:
        raise YourFault("no_secret", f"{found['path']} has no line {found['key']}=…", "add the line")
    return secrets[found["key"]]


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _pair(path: Path, number: int, line: str) -> tuple[str, str]:
    name, separator, value = line.strip().removeprefix("export ").partition("=")
    name, value = name.strip(), value.strip()
    if not separator or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise YourFault(
            "secrets_malformed",
            f"Line {number} of {path} is not NAME=value; a name is letters, digits and _.",
            "correct the line",
        )
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return name, value[1:-1] if quoted else value
