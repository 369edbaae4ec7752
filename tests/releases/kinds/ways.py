"""Releases for which the world around them goes wrong as well."""

from __future__ import annotations

from tests.releases.kinds.kind import End, Kind, kind

_BROKEN_LATE = """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) and time.time() - BEGAN > 5 else None
"""
_SHARES = '[strategy]\nuse = "canary"\npercents = [25, 50]\nbake_seconds = 8.0\n'
_LIVES_WITHOUT_LENGTH = """
def instead(asked):
    if by_user(asked) and time.time() - BEGAN > 5:
        return Said(500, {"error": "broken"})
    if (asked.method, asked.path) == ("POST", "/ships"):
        done = database().execute("INSERT INTO ships (name) VALUES (?)", (json.loads(asked.body)["name"],))
        return Said(201, {"id": done.lastrowid})
    if asked.path.startswith(("/ships", "/report")):
        return Said(200, {"ships": [], "id": 1, "name": "", "length": 1, "count": 0, "metres": 0})
"""
_OLD_CODE = """
def begin(process):
    here = Path(__file__).resolve().parent
    old = min((path for path in here.parents[1].glob("*/release.json")), key=lambda path: path.stat().st_mtime)
    os.chdir(old.parent / "tree")
    os.execv(sys.executable, [sys.executable, f"{process}.py"])
"""

GOOD: tuple[Kind, ...] = (
    kind("good", "good", "nothing is wrong with it", ends=End.LIVE),
    kind(
        "good-with-an-added-column",
        "good",
        "nothing is wrong with it, and the release before can live with its migration",
        files={
            "migrations/0010_berth.py": '"""Add a column."""\n\n'
            "UP = \"ALTER TABLE ships ADD COLUMN berth TEXT NOT NULL DEFAULT ''\"\n"
            'DOWN = "ALTER TABLE ships DROP COLUMN berth"\n'
        },
        ends=End.LIVE,
        staging=True,
    ),
    kind(
        "good-by-shares",
        "good",
        "nothing is wrong with it, and it gets a quarter, a half and then all of the users",
        ends=End.LIVE,
        policy=_SHARES,
    ),
)
"""The controls: what must be kept."""
KINDS: tuple[Kind, ...] = (
    kind(
        "broken-by-shares",
        "own",
        "it fails always, for the quarter of the users that it gets first",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
""",
        policy=_SHARES,
    ),
    kind(
        "slow-by-shares",
        "own",
        "every answer is right and 120 ms later than before, for the quarter of the users that it gets first",
        """
def instead(asked):
    if by_user(asked):
        time.sleep(0.12)
""",
        window_seconds=45.0,
        policy=_SHARES,
    ),
    kind(
        "old-code-answers",
        "G03",
        "the deploy changed nothing: what answers is the code of before",
        _OLD_CODE,
    ),
    kind(
        "fails-when-the-window-is-over",
        "G04",
        "good until nobody observes it any more",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) and time.time() - BEGAN > 25 else None
""",
        ends=End.WATCHED,
        policy="[policy.watch]\nwatch_seconds = 60.0\ninterval_seconds = 4.0\nrollback_armed = true\n",
    ),
    kind(
        "unseen",
        "G06",
        "broken for users, of whom there are none",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
""",
        rate=0.0,
        ends=End.ASKED,
    ),
    kind(
        "way-back-is-gone",
        "G15",
        "the files of the release before are gone when they are needed",
        _BROKEN_LATE,
        during="remove_previous",
    ),
    kind(
        "way-back-does-not-start",
        "G16",
        "the release before ended, and does not start again",
        _BROKEN_LATE,
        during="break_previous",
    ),
    kind(
        "no-way-back",
        "G16",
        "no other release starts any more",
        _BROKEN_LATE,
        during="break_all",
        ends=End.PAGED,
    ),
    kind(
        "backup-is-damaged",
        "G17",
        "its migration cannot be taken down, and the backup was damaged on the disk",
        _LIVES_WITHOUT_LENGTH,
        files={
            "migrations/0002_drop.py": '"""Drop a column for ever."""\n\n'
            'UP = "ALTER TABLE ships DROP COLUMN length"\nDOWN = None\n'
        },
        during="damage_backup",
        policy='[policy.rollback]\nrestore_data = "always"\n',
        ends=End.PAGED,
    ),
    kind(
        "second-deploy",
        "G18",
        "somebody orders another deploy while it is observed",
        _BROKEN_LATE,
        during="deploy_again",
    ),
    kind(
        "switched-by-hand",
        "G18",
        "somebody moves the traffic by hand while it is observed",
        _BROKEN_LATE,
        during="switch_by_hand",
        ends=(End.BACK, End.ASKED),
    ),
    kind(
        "disk-is-full",
        "G20",
        "the disk is full when it is built",
        files={"tables.txt": "".join(f"{number:x}" for number in range(400_000))},
        during="fill_disk",
        ends=End.REFUSED,
    ),
    kind(
        "nobody-can-be-told",
        "G23",
        "it fails, and the receiver of messages does not answer",
        _BROKEN_LATE,
        policy='[notify]\nwebhook = "http://127.0.0.1:9/told"\nsecret = "hook"\n',
    ),
)
