"""Speak to HAProxy over its stats socket, and read what it says of its servers."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keelway.programs.balancer.haproxy.paper import BACKEND

_SECONDS = 5.0
_BYTES_MAX = 4 * 1024 * 1024
_ANSWERS = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")


@dataclass(frozen=True, slots=True)
class Line:
    """Reach one HAProxy."""

    path: Path

    async def say(self, commands: Iterable[str]) -> str:
        """Give commands, which it carries out one right after the other, and return all that it answers.

        Raises:
            OSError: it does not answer in time.
        """
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self.path), limit=_BYTES_MAX)
                try:
                    writer.write((";".join(commands) + "\n").encode("ascii"))
                    await writer.drain()
                    return (await reader.read(_BYTES_MAX)).decode("utf-8", "replace") + await _rest(reader)
                finally:
                    writer.close()
        except TimeoutError as error:
            raise OSError(f"no answer within {_SECONDS:.0f} s") from error

    async def info(self) -> dict[str, str]:
        """Return what it says of itself."""
        pairs = (line.partition(":") for line in (await self.say(["show info"])).splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

    async def rows(self) -> dict[str, dict[str, str]]:
        """Return the figures of each server, and of the whole as ``BACKEND``."""
        text = (await self.say(["show stat -1 6 -1"])).lstrip("# ")
        rows = csv.DictReader(text.splitlines())
        return {str(row["svname"]): row for row in rows if row.get("pxname") == BACKEND}


async def _rest(reader: asyncio.StreamReader) -> str:
    """Read until it closes the line, bounded."""
    parts, size = [], 0
    while size < _BYTES_MAX and (part := await reader.read(_BYTES_MAX - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts).decode("utf-8", "replace")


def number(row: Mapping[str, str], name: str) -> int:
    """Return a figure; what is empty is nothing."""
    text = row.get(name) or ""
    return int(text) if text.isdigit() else 0


def totals(row: Mapping[str, str]) -> dict[str, int]:
    """Return the figures of a server by the names of the front."""
    answered = {kind: number(row, kind) for kind in _ANSWERS}
    missed = number(row, "econ") + number(row, "eresp")
    return {
        "requests": sum(answered.values()) + missed,
        **{f"s{kind[5:]}": count for kind, count in answered.items() if kind != "hrsp_other"},
        "upstream_errors": missed,
        "client_gone": number(row, "cli_abrt"),
        "retries": number(row, "wretr") + number(row, "wredis"),
        "bytes_in": number(row, "bin"),
        "bytes_out": number(row, "bout"),
    }


def is_up(row: Mapping[str, str]) -> bool:
    """Tell whether a server takes what it is given."""
    return str(row.get("status", "")).startswith(("UP", "no check"))
