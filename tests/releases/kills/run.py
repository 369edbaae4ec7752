"""Kill every part of a delivery at every step of a deploy and of a way back: ``python -m tests.releases.kills.run FOLDER``.

One process lives on; every control plane, the users and every judge are forked from it. What came of each
kill is a line of FOLDER/kills.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.crash.control import begun, forked
from tests.releases.kills.life import begin, live
from tests.releases.kills.points import Life, lives
from tests.releases.kills.strike import FRONT, STORE
from tests.releases.kills.users import Watched, use
from tests.releases.kinds.kind import Kind, kind
from tests.releases.pier import make_ground

from keelway.app.config import load_config
from keelway.core.model.project import PRODUCTION

POLICY = '[policy.production]\non_inconclusive = "pass"\n'
_COLUMN = '''"""Add a column that nobody has to know."""

UP = "ALTER TABLE ships ADD COLUMN flag{number} TEXT NOT NULL DEFAULT ''"
DOWN = "ALTER TABLE ships DROP COLUMN flag{number}"
'''
_BROKEN = """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
"""
STARTS_MAX = 6


def kind_of(life: Life, number: int) -> Kind:
    """Return the release of a life; every one moves the schema, so that every step happens."""
    files = {f"migrations/{number + 1:04}_flag.py": _COLUMN.format(number=number)}
    return kind(
        "good" if life.good else "broken",
        "own",
        "it is killed for",
        "" if life.good else _BROKEN,
        files=files,
    )


def run_life(folder: Path, life: Life, number: int, users: Watched) -> dict[str, Any]:
    """Live one life to its end, beginning the control plane again as often as it dies."""
    for name in ("run", "struck", "reached", "end.json"):
        (folder / name).unlink(missing_ok=True)
    began, codes = time.time(), []
    while not codes or (codes[-1] == -signal.SIGKILL and len(codes) < STARTS_MAX):
        codes.append(forked(folder, live, kind_of(life, number), number, life.victim, life.point))
    struck = (folder / "struck").read_text().splitlines() if (folder / "struck").exists() else []
    found: dict[str, Any] = {**asdict(life), "number": number, "codes": codes, "struck": len(struck)}
    if (folder / "end.json").exists():
        found["end"] = json.loads((folder / "end.json").read_text())
    time.sleep(0.5)
    at = float(struck[0].split()[0]) if struck else began
    return {**found, **users.between(began, time.time(), at), "seconds": round(time.time() - began, 1)}


def wrong_with(found: dict[str, Any]) -> list[str]:
    """Say what did not end as it has to."""
    end = found.get("end")
    if end is None:
        return [f"the control plane ended with {found['codes']}"]
    told, active = end["told"], end["active"]
    mine = end["deployments"][0] if end["deployments"] else ("", "", "")
    wanted = mine[0] if told["ok"] else (mine[2] or active)
    other = [
        (not found["struck"], "nothing was killed"),
        (told["ok"] and not found["good"], "a broken release was kept"),
        (end["status"] != ("deployed" if told["ok"] else end["status"]), f"the task is {end['status']}"),
        (end["status"] not in {"deployed", "rolled_back", "failed"}, f"the task is {end['status']}"),
        (active != wanted, f"{active} takes the traffic, not {wanted}"),
        (end["weights"] != {active: 100}, f"the traffic goes to {end['weights']}"),
        (end["workers"] != {active: 1}, f"workers run for {end['workers']}"),
        (not end["healthy"], f"not healthy: {end['detail']}"),
        (end["live"][:1] != [active] or len(end["live"]) != 1, f"the book says {end['live']} is live"),
        (bool(end["twice"]), f"done twice: {end['twice']}"),
        (end["chain broken at"] is not None, "the audit trail is broken"),
        (end["frozen"], "everything is frozen"),
        (bool(end["leases"]), f"leases are held: {end['leases']}"),
        (
            found["errors_of_good"] > 0 and found["victim"] != FRONT,
            f"{found['errors_of_good']} good releases failed",
        ),
        (
            found["unanswered"] > 0 and found["victim"] != FRONT,
            f"{found['unanswered']} requests had no release",
        ),
        (found["lost"] > 0, f"{found['lost']} promised rows are gone"),
    ]
    return [said for bad, said in other if bad]


def main(words: list[str]) -> int:
    """Live the chosen lives one after the other, in one world."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--thin", type=int, default=1)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--out", type=Path, default=Path("kills.jsonl"))
    asked.add_argument("--cluster", default="")
    asked.add_argument("--victim", default="")
    asked.add_argument("--step", default="")
    chosen = asked.parse_args(words)
    wanted = [
        life
        for life in lives()
        if chosen.victim in {"", life.victim}
        and chosen.step in life.point
        and (chosen.cluster or life.victim != STORE)
    ][chosen.first :: chosen.thin]
    with tempfile.TemporaryDirectory(prefix="kw-kill-") as name:
        folder = Path(name)
        ground(folder, chosen.cluster)
        config = load_config(folder / "pier" / "keelway.toml")
        try:
            assert forked(folder, begin) == 0, (folder / "stderr").read_text()[-3_000:]
            child = begun(folder, use, config.project.environment(PRODUCTION).port)
            try:
                return go(folder, wanted, chosen.out)
            finally:
                os.kill(child, signal.SIGTERM)
                os.waitpid(child, 0)
        finally:
            forked(folder, end_all)


def ground(folder: Path, cluster: str) -> None:
    """Make the repository; with a cluster, the book is kept there."""
    make_ground(folder, Kind("kills", "own", "", window_seconds=3.0, policy=POLICY))
    if cluster:
        place, programs, url = cluster.split(",")
        (folder / "cluster").write_text(json.dumps([place, programs]))
        (folder / "store").write_text(url)


def end_all(folder: Path) -> None:
    """End the daemons and everything they keep."""
    from tests.releases.kills.life import open_plane
    from tests.releases.kills.strike import Striker

    pier, lookout = open_plane(folder, Striker(folder, "", ""))
    lookout.stop()
    pier.close()


def go(folder: Path, wanted: list[Life], out: Path) -> int:
    """Live every life, and write down what came of it."""
    users, bad = Watched(folder), 0
    time.sleep(3)
    with out.open("a") as lines:
        for number, life in enumerate(wanted, start=1):
            found = run_life(folder, life, number, users)
            found["wrong"] = wrong_with(found)
            if found["wrong"]:
                found["stderr"] = (
                    (folder / "stderr").read_text()[-4_000:] if (folder / "stderr").exists() else ""
                )
            bad += bool(found["wrong"])
            lines.write(json.dumps(found) + "\n")
            lines.flush()
            told = "; ".join(found["wrong"]) or found["end"]["status"]
            sys.stdout.write(
                f"{number}/{len(wanted)} {life.victim} {life.point} {'good' if life.good else 'broken'}: {told} "
                f"({found['seconds']} s, {found['errors_of_good']}+{found['unanswered']} errors, gap {found['gap_seconds']} s)\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"{len(wanted)} kills, {bad} ended as they must not\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
