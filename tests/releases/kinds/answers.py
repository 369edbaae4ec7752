"""Releases that answer badly."""

from __future__ import annotations

from tests.releases.kinds.kind import End, Kind, kind

KINDS: tuple[Kind, ...] = (
    kind(
        "always-smiles",
        "G01",
        "the health page is good whatever happens, everything else fails",
        """
def instead(asked):
    return None if asked.path == "/healthz" else Said(500, {"error": "broken"})
""",
        ends=(End.BACK, End.REFUSED),
    ),
    kind(
        "knows-the-checker",
        "G02",
        "probes are answered well, users are not",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) else None
""",
    ),
    kind(
        "fails-after-300-requests",
        "G04",
        "good for the first 300 requests",
        """
def instead(asked):
    return Said(503, {"error": "broken"}) if asked.number > 300 and by_user(asked) else None
""",
    ),
    kind(
        "fails-after-eight-seconds",
        "G04",
        "good for the first eight seconds",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if time.time() - BEGAN > 8 else None
""",
    ),
    kind(
        "one-in-twenty",
        "own",
        "one answer of twenty fails",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if by_user(asked) and asked.number % 20 == 0 else None
""",
    ),
    kind(
        "breaks-one-route",
        "own",
        "one route of eight fails always",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if (asked.method, asked.path) == ("POST", "/jobs") else None
""",
    ),
    kind(
        "breaks-a-rare-route",
        "own",
        "a route with two requests of a hundred fails always",
        """
def instead(asked):
    return Said(500, {"error": "broken"}) if asked.path == "/tides" else None
""",
    ),
    kind(
        "errors-for-post-only",
        "own",
        "everything can be read and nothing written",
        """
def instead(asked):
    return Said(500, {"error": "read only"}) if asked.method == "POST" else None
""",
    ),
    kind(
        "slow-answers",
        "own",
        "every answer is right and 120 ms later than before",
        """
def instead(asked):
    time.sleep(0.12)
""",
        window_seconds=45.0,
    ),
    kind(
        "hangs-under-concurrency",
        "own",
        "well with one user at a time, stuck with many",
        """
TURN = threading.Semaphore(2)


def instead(asked):
    if asked.path != "/healthz":
        with TURN:
            time.sleep(0.3)
""",
    ),
    kind(
        "drops-connections",
        "own",
        "every fourth connection is closed without an answer",
        """
def instead(asked):
    if by_user(asked) and asked.number % 4 == 0:
        raise HangUp
""",
    ),
    kind(
        "cuts-answers-short",
        "own",
        "answers end before they are whole",
        """
def after(asked, said):
    if not by_user(asked):
        return said
    return Said(said.status, headers={"Content-Length": str(len(said.content) + 50)}, raw=said.content)
""",
    ),
    kind(
        "wrong-content-type",
        "own",
        "JSON is sent as a page for people",
        """
def after(asked, said):
    return Said(said.status, said.value, {"Content-Type": "text/html"})
""",
        ends=(End.BACK, End.REFUSED),
    ),
    kind(
        "errors-with-200",
        "own",
        "what failed is sent with the status of a success",
        """
def instead(asked):
    return None if asked.path == "/healthz" else Said(200, {"error": "broken"})
""",
        ends=(End.BACK, End.REFUSED),
    ),
    kind(
        "empty-answers",
        "own",
        "answers are good and empty",
        """
def after(asked, said):
    return Said(said.status, raw=b"") if asked.path != "/healthz" else said
""",
        ends=(End.BACK, End.REFUSED),
    ),
    kind(
        "refuses-users",
        "own",
        "users are not let in any more, probes are",
        """
def instead(asked):
    return Said(401, {"error": "who are you?"}) if by_user(asked) else None
""",
    ),
    kind(
        "redirects-for-ever",
        "own",
        "users are sent in a circle, probes are not",
        """
def instead(asked):
    return Said(302, {}, {"Location": asked.path}) if by_user(asked) else None
""",
    ),
    kind(
        "flaps",
        "own",
        "its health page is good and bad in turns",
        """
def instead(asked):
    if asked.path == "/healthz" and time.time() - BEGAN > 3 and int(time.time()) % 2:
        return Said(503, {"status": "tired"})
""",
    ),
    kind(
        "logs-exceptions",
        "own",
        "every answer is good, and an exception nobody knew is logged with it",
        """
def after(asked, said):
    try:
        {}["berth"]
    except KeyError as error:
        log("ERROR", "no berth", error)
    return said
""",
    ),
)
