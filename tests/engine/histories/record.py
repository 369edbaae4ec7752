"""Record the lives that the present schema does not have yet: ``python -m tests.engine.histories.record``.

With ``--again`` every life of the present schema is recorded anew. That is for a schema that
no release has carried yet; the histories of a released one are what installations hold.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.engine.histories.lives import LIVES
from tests.engine.histories.shelf import Volume

from keelway.engine.schema import SCHEMA
from keelway.engine.upgrade.history import history_of


def record(life: str) -> Volume:
    """Live a life and return what its runs left."""
    with tempfile.TemporaryDirectory() as home:
        world = LIVES[life](Path(home))
        try:
            return Volume(SCHEMA, life, tuple(history_of(run) for run in world.engine.journal.runs.values()))
        finally:
            world.close()


def main() -> None:
    """Record what is missing."""
    again = "--again" in sys.argv[1:]
    for life in LIVES:
        path = Volume(SCHEMA, life, ()).path
        if path.exists() and not again:
            print(f"{path.name}: kept")
            continue
        volume = record(life)
        volume.write()
        print(f"{path.name}: {len(volume.runs)} runs, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
