"""Releases that harm data or its shape."""

from __future__ import annotations

from tests.releases.kinds.kind import End, Kind, kind

_BROKEN = """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
"""
_ADDS = '''"""Add a column that nobody has to know."""

UP = "ALTER TABLE ships ADD COLUMN flag TEXT NOT NULL DEFAULT ''"
DOWN = "ALTER TABLE ships DROP COLUMN flag"
'''
_RENAMES = '''"""Rename a column, and know the way back."""

UP = "ALTER TABLE ships RENAME COLUMN length TO metres"
DOWN = "ALTER TABLE ships RENAME COLUMN metres TO length"
'''
_DROPS = '''"""Drop a column for ever."""

UP = "ALTER TABLE ships DROP COLUMN length"
DOWN = None
'''
_FAILS = '''"""Fail after the first statement."""

UP = "CREATE TABLE half (id INTEGER); ALTER TABLE nowhere ADD COLUMN flag TEXT"
DOWN = "DROP TABLE half"
'''
_KNOWS_METRES = """
def instead(asked):
    if asked.path.startswith(("/ships", "/report")) and asked.method == "GET":
        return Said(200, {"ships": [], "id": 1, "name": "", "length": 1, "count": 0, "metres": 0})
    if (asked.method, asked.path) == ("POST", "/ships"):
        return Said(503, {"error": "closed"})
"""

_KEPT = """
[[probe]]
name = "kept"
kind = "queue"
path = "/ships"
method = "POST"
send_json = '{"name": "{nonce}", "length": 7}'
status = 201
then = { path = "/ships/{answer.id}", body_contains = "{nonce}" }
"""

KINDS: tuple[Kind, ...] = (
    kind(
        "broken-with-an-added-column",
        "own",
        "it fails after a migration that the release before can live with",
        _BROKEN,
        files={"migrations/0002_flag.py": _ADDS},
    ),
    kind(
        "broken-with-a-renamed-column",
        "own",
        "it fails after a migration that the release before cannot live with, and that can be taken down",
        _KNOWS_METRES.replace(
            "def instead(asked):\n",
            'def instead(asked):\n    if by_user(asked):\n        return Said(500, {"error": "broken"})\n',
        ),
        files={"migrations/0002_metres.py": _RENAMES},
        ends=(End.BACK, End.REFUSED),
        staging=True,
        own_world=True,
    ),
    kind(
        "drops-a-column",
        "G12",
        "its migration cannot be taken back and the release before cannot live with it",
        _KNOWS_METRES,
        files={"migrations/0002_drop.py": _DROPS},
        ends=(End.REFUSED, End.PAGED),
        staging=True,
    ),
    kind(
        "migration-fails",
        "own",
        "its migration fails half-way",
        files={"migrations/0009_half.py": _FAILS},
        ends=End.REFUSED,
    ),
    kind(
        "holds-the-database",
        "own",
        "it keeps the database locked for seconds at a time",
        """
def begin(process):
    def hold():
        db = sqlite3.connect(os.environ["PIER_DB"], timeout=30, isolation_level=None)
        while True:
            db.execute("BEGIN IMMEDIATE")
            time.sleep(6)
            db.execute("COMMIT")
            time.sleep(0.05)
    if process == "web":
        beside(hold)
""",
    ),
    kind(
        "loses-writes",
        "own",
        "it thanks for what it does not keep",
        """
def instead(asked):
    return Said(201, {"id": 900_000 + asked.number}) if (asked.method, asked.path) == ("POST", "/ships") else None
""",
        asks=_KEPT,
        ends=(End.BACK, End.REFUSED),
        ruins_data=True,
    ),
    kind(
        "poisons-the-cache",
        "own",
        "it fails, and leaves a cache behind that the release before cannot read",
        _BROKEN
        + """

def begin(process):
    if process == "web":
        path = Path(DATA, "report.json")
        path.mkdir() if not path.exists() else (path.unlink(), path.mkdir())
        later = time.time() + 86_400
        os.utime(path, (later, later))
""",
        ends=(End.BACK, End.REFUSED, End.PAGED),
    ),
    kind(
        "writes-what-others-cannot-read",
        "own",
        "it fails, and leaves rows behind that the release before cannot read",
        """
SEEN = []


def instead(asked):
    if (asked.method, asked.path) == ("POST", "/ships"):
        given = json.loads(asked.body)
        done = database().execute(
            "INSERT INTO ships (name, length) VALUES (?, ?)", (given["name"], f"{given['length']} m")
        )
        return Said(201, {"id": done.lastrowid})
    if by_user(asked) and time.time() - BEGAN > 4:
        return Said(500, {"error": "broken"})
    if asked.path == "/ships":
        return Said(200, {"ships": []})
""",
        ends=End.PAGED,
    ),
)
