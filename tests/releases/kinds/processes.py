"""Releases whose processes behave badly."""

from __future__ import annotations

from tests.releases.kinds.kind import End, Kind, kind

_NEVER = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) < 3:
    subprocess.Popen([sys.executable, __file__, "up", "child"], start_new_session=True)
while True:
    print("still at it " * 1000, flush=True)
"""

_WORKED = """
[[probe]]
name = "worked"
kind = "queue"
path = "/jobs"
method = "POST"
send_json = '{"echo": "{nonce}"}'
status = 202
then = { path = "/jobs/{answer.id}", body_contains = '"done"' }
"""

KINDS: tuple[Kind, ...] = (
    kind(
        "setup-never-ends",
        "G11",
        "its set-up prints for ever, heeds no signal and has a child in a session of its own",
        files={"prepare.py": _NEVER},
        ends=End.REFUSED,
    ),
    kind(
        "migration-never-ends",
        "G11",
        "its migration prints for ever, heeds no signal and has a child in a session of its own",
        files={
            "migrate.py": "import sys\nif sys.argv[1] == 'status':\n    print(1)\n    sys.exit()\n" + _NEVER
        },
        ends=End.REFUSED,
    ),
    kind(
        "crashes-at-start",
        "own",
        "it ends as soon as it begins",
        'def begin(process):\n    sys.exit("no such module")\n',
        ends=End.REFUSED,
    ),
    kind(
        "starts-slowly",
        "own",
        "it is not there in time",
        "def begin(process):\n    time.sleep(120)\n",
        ends=End.REFUSED,
    ),
    kind(
        "listens-elsewhere",
        "own",
        "it listens on another port than it was told",
        'def begin(process):\n    os.environ["PORT"] = "0"\n',
        ends=End.REFUSED,
    ),
    kind(
        "crashes-at-request-200",
        "G22",
        "its web process ends at every 200th request and is there again at once",
        """
def instead(asked):
    if asked.number >= 200:
        os._exit(1)
""",
    ),
    kind(
        "worker-crashes",
        "G22",
        "its worker ends at every tenth job and is there again at once",
        """
DONE = []


def work(job):
    DONE.append(job)
    if len(DONE) >= 10:
        os._exit(0)
""",
    ),
    kind(
        "worker-stays-away",
        "own",
        "its worker ends so often that it is given up",
        'def begin(process):\n    if process == "worker":\n        sys.exit(1)\n',
    ),
    kind(
        "worker-idles",
        "own",
        "its worker is there and does nothing",
        "def work(job):\n    time.sleep(3600)\n",
        asks=_WORKED,
    ),
    kind(
        "leaks-memory",
        "own",
        "it keeps 20 MB more every second",
        """
KEPT = []


def begin(process):
    def leak():
        while len(KEPT) < 40:
            KEPT.append(bytes(os.urandom(1024)) * 10_240)
            time.sleep(0.5)
    if process == "web":
        beside(leak)
""",
        window_seconds=20.0,
    ),
    kind(
        "leaks-descriptors",
        "own",
        "it keeps a file open for every request, until there are no more",
        """
KEPT = []


def begin(process):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))


def instead(asked):
    KEPT.append(open(os.devnull))
""",
    ),
    kind(
        "spins",
        "own",
        "its threads turn in circles and leave no processor for answers",
        """
def begin(process):
    def spin():
        while True:
            pass
    if process == "web":
        for _ in range(12):
            beside(spin)
""",
        window_seconds=45.0,
    ),
    kind(
        "floods-the-log",
        "G09",
        "it logs so much that what matters is not read any more",
        """
def begin(process):
    line = json.dumps({"time": BEGAN, "level": "INFO", "message": "no error at all " * 200}) + "\\n"
    def flood():
        time.sleep(5)
        with open(LOG, "a") as out:
            for _ in range(60):
                out.write(line * 2_000)
                time.sleep(0.1)
    if process == "web":
        beside(flood)
""",
    ),
    kind(
        "eats-the-disk",
        "own",
        "it writes 20 MB a second beside its data",
        """
def begin(process):
    def eat():
        for number in range(40):
            Path(DATA, f"waste-{number}").write_bytes(os.urandom(1024) * 10_240)
            time.sleep(0.5)
    if process == "web":
        beside(eat)
""",
        ends=(End.BACK, End.ASKED),
        window_seconds=20.0,
    ),
    kind(
        "ignores-the-end",
        "G11",
        "it fails, and none of its processes heeds the signal to end",
        """
def begin(process):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
""",
    ),
)
