"""Every kind of bad release."""

from __future__ import annotations

from tests.releases.kinds import answers, data, processes, ways
from tests.releases.kinds.kind import Kind

GOOD = ways.GOOD
KINDS: tuple[Kind, ...] = (*answers.KINDS, *processes.KINDS, *data.KINDS, *ways.KINDS)
TOGETHER = tuple(kind for kind in KINDS if not kind.alone)
ALONE = tuple(kind for kind in KINDS if kind.alone)
BY_NAME = {kind.name: kind for kind in (*GOOD, *KINDS)}
