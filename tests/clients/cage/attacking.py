"""Attack a cage and print what it showed, as JSON; a program, so that tests of root see other users' hosts too."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from keelway.clients.cage import Settings, choose_cage
from keelway.clients.trial import Subject, try_cage
from keelway.core.cage.attack import Trial, judge_trial

UID = 61_000


def attacked(name: str) -> Trial:
    """Try the cage of a name as whoever we are."""
    cage = choose_cage(name, Settings(uid=UID))
    facts = cage.facts()
    if not facts.works:
        return Trial(name, False, f"does not work here: {'; '.join(facts.missing)}", ())
    seen = try_cage(Subject(cage, UID if os.geteuid() == 0 else 0), lambda _: None)
    return judge_trial(cage.name, seen.fenced, seen.control, seen.trouble)


if __name__ == "__main__":
    json.dump(asdict(attacked(sys.argv[1])), sys.stdout)
