"""Start a command as a careless program would: with a key in the keyring and a secret file left open.

``python -I -S bait.py SECRET-FILE -- command``. What a cage is worth shows only when there is something to find.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from keelway.programs.cage.attack.calls import call
from keelway.programs.cage.attack.plan import NotHere
from keelway.programs.cage.attack.processes import KEY_NAME

LEFT_OPEN = 9
_JOIN_RING, _SET_PERMISSION, _SESSION_RING = 1, 5, -3
_EVERYTHING = 0x3F3F3F3F


def main() -> None:
    """Leave what must not be found, then become the command."""
    path, command = sys.argv[1], sys.argv[3:]
    secret = Path(path).read_bytes()
    try:
        call("keyctl", _JOIN_RING, 0)
        number = call("add_key", b"user", KEY_NAME, secret, len(secret), _SESSION_RING)
        call("keyctl", _SET_PERMISSION, number, _EVERYTHING)
    except (OSError, NotHere):
        sys.stderr.write("bait: this machine has no keyrings\n")
    place = os.open(path, os.O_RDONLY)
    os.dup2(place, LEFT_OPEN, inheritable=True)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
