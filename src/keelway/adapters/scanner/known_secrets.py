"""Our own matcher: no value that Keelway keeps secret may stand in a patch, plain, encoded or put together."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, Scanner, Tool
from keelway.ports.vault import Vault

_TOOL = "known_secrets"
_CHARS_MIN = 8
"""A shorter value is a word of everyday, such as a user name or a port."""
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{10,4096}")
_SEAM = re.compile(r"[\"'`\s+\\]+")
_NAMED = re.compile(r"\[([A-Za-z_][A-Za-z0-9_]*)\]")
_WITHHELD = "[text withheld"


@dataclass(frozen=True)
class KnownSecretsScanner:
    """Look for the values of the vault in the added lines."""

    vault: Vault

    def probe(self) -> Tool:
        """Say that it is always there."""
        return Tool("built in")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the copies of the patch."""
        hits: list[Hit] = []
        for path, name in copies.head.items():
            text = (Path(copies.folder) / "head" / name).read_text("utf-8", "replace")
            lines = text.split("\n")
            added = [
                (number, lines[number - 1]) for number in copies.lines.get(path, ()) if number <= len(lines)
            ]
            if self.vault.redact("probe").startswith(_WITHHELD):
                return ScanReport(_TOOL, error="the file of secrets cannot be read; keelway doctor says why.")
            hits += self._of(path, added)
        return ScanReport(_TOOL, "built in", tuple(copies.head), tuple(hits))

    def _of(self, path: str, added: list[tuple[int, str]]) -> Iterator[Hit]:
        shapes = {number: tuple(_shapes(line)) for number, line in added}
        whole = _SEAM.sub("", "".join(line for _, line in added))
        everything = "\n".join((whole, *(shape for each in shapes.values() for shape in each)))
        if self.vault.redact(everything) == everything:
            return  # most often, and then the file of secrets is read once
        seen: set[str] = set()
        for number, each in shapes.items():
            for name in sorted({found for shape in each for found in self._names(shape)}):
                seen.add(name)
                yield Hit(path, number, name, "the value of this secret")
        for name in self._names(whole):
            if name not in seen:
                yield Hit(path, 0, name, "the value of this secret, in parts")

    def _names(self, text: str) -> tuple[str, ...]:
        """Return the names of the secrets that a text holds, those of short values left out."""
        said = self.vault.redact(text)
        if said == text:
            return ()
        names = [name for name in dict.fromkeys(_NAMED.findall(said)) if f"[{name}]" not in text]
        if len(names) == 1:
            marker = f"[{names[0]}]"
            count = said.count(marker)
            length = len(marker) + (len(text) - len(said)) // count
            return tuple(names) if length >= _CHARS_MIN else ()
        return tuple(names) or ("a secret",)


def _shapes(line: str) -> Iterator[str]:
    """Yield a line as it is and as somebody who hides a value in it would have it read."""
    yield line
    yield _SEAM.sub("", line)
    yield unquote_plus(line)
    for token in _TOKEN.findall(line):
        yield token[::-1]
        for decode in (_base64, _hexadecimal):
            if plain := decode(token):
                yield plain


def _base64(token: str) -> str:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if set("-_") & set(token) else None).decode()
    except (binascii.Error, ValueError):
        return ""


def _hexadecimal(token: str) -> str:
    try:
        return bytes.fromhex(token).decode()
    except ValueError:
        return ""


ADAPTER = KnownSecretsScanner
_check: type[Scanner] = KnownSecretsScanner
