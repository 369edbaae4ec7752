"""The scripts that run beside the clone: POSIX shell, git, and ``flock`` and ``timeout`` of every Linux.

They keep what must be known there beside the clone's own refs: the newest epoch, what phase a deployment is in,
and which releases there are. Everything they are told comes as an argument.
"""

from __future__ import annotations

NO_FOLDER, NO_CLONE, NO_TOOL, BUSY, STALE, TIMED_OUT = 201, 202, 203, 204, 205, 124
"""Exit codes of ours; a command of a project hardly ever ends with one of the first five."""

RELEASES, LIVE, SENT = "refs/keelway/releases", "refs/keelway/live", "refs/keelway/sent"
"""Refs of the releases there are, of those that were live once, and of what was sent here."""

MOVING, PREPARED, SERVES = "moving", "prepared", "live"
"""Phases: the files are being replaced; they and what they need are there; every step is done."""

_OPEN = f"""
set -eu
cd -- "$1" 2>/dev/null || exit {NO_FOLDER}
g() {{ git -c safe.directory="$PWD" -c core.hooksPath=/dev/null -c advice.detachedHead=false "$@"; }}
top=$(g rev-parse --show-toplevel 2>/dev/null) && [ "$top" = "$(pwd -P)" ] || exit {NO_CLONE}
for tool in flock timeout; do command -v $tool >/dev/null || {{ echo $tool; exit {NO_TOOL}; }}; done
d=$(g rev-parse --absolute-git-dir)/keelway
mkdir -p "$d"
PATH="${{KEELWAY_PATH:+$KEELWAY_PATH:}}$PATH"
mark() {{ printf '%s %s\\n' "$1" "$2" >"$d/phase.new"; mv "$d/phase.new" "$d/phase"; }}
"""

_FENCE = f"""
exec 9>>"$d/lock"
flock -w 60 9 || exit {BUSY}
was=$(cat "$d/epoch" 2>/dev/null || echo 0)
[ "$2" -ge "$was" ] || {{ echo "$was"; exit {STALE}; }}
[ "$2" = "$was" ] || {{ echo "$2" >"$d/epoch.new"; mv "$d/epoch.new" "$d/epoch"; }}
"""

LOOK = (
    _OPEN
    + f"""
echo "head $(g rev-parse -q --verify HEAD || true)"
echo "epoch $(cat "$d/epoch" 2>/dev/null || echo 0)"
echo "phase $(cat "$d/phase" 2>/dev/null || true)"
g for-each-ref --format='ref %(objectname) %(refname)' {RELEASES} {LIVE}
g status --porcelain --untracked-files=no --ignore-submodules | sed -n 's/^.. /altered /p' | head -n 20
"""
)
"""``$1`` folder: print what is there."""

HAS = _OPEN + 'g cat-file -e "$2^{commit}" 2>/dev/null'
"""``$1`` folder, ``$2`` commit: end well when it is there."""

FETCH = (
    _OPEN
    + """
export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=15'
g -c fetch.fsckObjects=true fetch --quiet --no-tags --no-recurse-submodules -- "$2" </dev/null
g cat-file -e "$3^{commit}" 2>/dev/null ||
  g -c fetch.fsckObjects=true fetch --quiet --no-tags --no-recurse-submodules -- "$2" "$3" </dev/null
"""
)
"""``$1`` folder, ``$2`` remote, ``$3`` commit: fetch it."""

RECEIVE = (
    _OPEN
    + f"""
file=$(mktemp "$d/bundle.XXXXXX")
trap 'rm -f "$file"' EXIT
cat >"$file"
g -c fetch.fsckObjects=true fetch --quiet --no-tags --no-recurse-submodules -- "$file" "{SENT}/$2:{SENT}/$2" </dev/null
"""
)
"""``$1`` folder, ``$2`` commit, the bundle on its input: take it over."""

RECORD = (
    _OPEN
    + f"""
g update-ref "{RELEASES}/$2" "$3"
[ -z "$4" ] || g update-ref "{RELEASES}/$4" "$5"
g update-ref -d "{SENT}/$3"
g rev-parse "$3^{{tree}}"
"""
)
"""``$1`` folder, ``$2`` release, ``$3`` commit, ``$4`` and ``$5`` those that are live now: keep both."""

CLAIM = _OPEN + _FENCE
"""``$1`` folder, ``$2`` epoch: fence older holders off."""

CHECK_OUT = (
    _OPEN
    + _FENCE
    + f"""
case "$(cat "$d/phase" 2>/dev/null || true)" in {MOVING}*) rm -f "$d/../index.lock" ;; esac  # ours, cut off
mark {MOVING} "$3"
g checkout --quiet --force --detach "$3" </dev/null
"""
)
"""``$1`` folder, ``$2`` epoch, ``$3`` commit: replace the files."""

MARK = (
    _OPEN
    + _FENCE
    + f"""
[ "$(g rev-parse HEAD)" = "$4" ] || exit 1
mark "$3" "$4"
[ -z "$5" ] || g update-ref "{LIVE}/$5" "$4"
"""
)
"""``$1`` folder, ``$2`` epoch, ``$3`` phase, ``$4`` commit, ``$5`` release that is live with it, or nothing."""

STEP = (
    _OPEN
    + _FENCE
    + f"""
seconds=$3 name=$4
shift 4
code=0
KEELWAY_STEP=$name timeout -k 5 "$seconds" "$@" </dev/null 9>&- || code=$?
if [ $code = {TIMED_OUT} ] || [ $code = 137 ]; then
  for process in /proc/[0-9]*; do
    grep -qzx "KEELWAY_STEP=$name" "$process/environ" 2>/dev/null && kill -9 "${{process#/proc/}}" 2>/dev/null || true
  done
  exit {TIMED_OUT}
fi
exit $code
"""
)
"""``$1`` folder, ``$2`` epoch, ``$3`` seconds, ``$4`` unique name, then a command: run it, and end all of it in time."""

ASK = (
    _OPEN
    + """
seconds=$2
shift 2
exec timeout -k 5 "$seconds" "$@" </dev/null
"""
)
"""``$1`` folder, ``$2`` seconds, then a command that alters nothing: run it."""

FORGET = (
    _OPEN
    + f"""
shift
for release in "$@"; do
  g update-ref -d "{RELEASES}/$release"
  g update-ref -d "{LIVE}/$release"
done
"""
)
"""``$1`` folder, then releases: forget them."""
