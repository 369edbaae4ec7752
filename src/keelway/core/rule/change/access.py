"""Find changes of who may do what in files whose names do not say so: guards, middleware, default roles.

Removed lines count as well as added ones. Each rule asks a person; none says that the change is wrong.
"""

from __future__ import annotations

import re
from collections import Counter

from keelway.core.model.verdict import Finding
from keelway.core.rule.change.lines import Changed, Line, asked, following, unmoved

_ABOVE = re.compile(
    r"""(?ix)
    ^\s*@[\w.]*(?:login|auth|permission|role|admin|staff|superuser|jwt|csrf_protect|secured|guard|ratelimit|rate_limit|throttle)
    | ^\s*\#\[(?:authorize|guard) | ^\s*before_action\s+:(?:auth|require|check|verify|ensure)\w* | ^\s*\[Authorize
    """
)
"""A guard that stands on a line of its own above what it guards."""
_WITHIN = re.compile(
    r"""(?ix)
    \b(?:Depends|Security)\(\s*[\w.]*(?:user|auth|login|admin|token|role|permission|verify|require)\w*
    | \b(?:require|ensure|check|verify|is|has|assert|enforce|validate)_?
      (?:auth\w*|login|logged_?in|admin\w*|staff|superuser|roles?|permissions?|perms?|access|token|csrf|owner\w*|scopes?|signature)\b
    | \bpassport\.authenticate\( | \b(?:authorize|authenticate)!?\s*[(:]
    | middleware\(\s*\[?\s*["'](?:auth|can|role|permission|throttle|csrf|verified|signed)
    | \bGate::(?:allows|denies|authorize|check) | \babort(?:_if|_unless)?\(.*\b40[13]\b | \b(?:permission|authentication)_classes\s*=
    | \b(?:HTTP_?|status\w*|code)\W{0,3}(?:40[13]\b|\w*(?:unauthorized|forbidden)) | \b40[13]_(?:unauthorized|forbidden)
    | \b(?:raise|throw(?:\s+new)?)\s+[\w.\\]{0,60}(?:PermissionDenied|PermissionError|Forbidden|Unauthorized|NotAuthenticated|AccessDenied)
    """
)
"""A guard within a line: a call, a parameter, a refusal."""
_DEFINED = re.compile(
    r"\b(?:def|function|func|fn|class)\s+(?:\([^)]*\)\s*)?(\w+)|^\s*(?:public|private|async|export)\b.{0,200}?(\w{1,80})\s*\("
)
_DECORATIONS = ("@", "#[", "[")
_OPENED = re.compile(
    r"""(?ix)
    @csrf_exempt | \bAllowAny\b | \bAllowAnonymous\b | ^\s*@(?:public|anonymous)\b | \bskip_before_action\b | \bpermitAll\(
    | \bwithoutMiddleware\( | \b(?:authentication|permission)_classes\s*=\s*[\[(]\s*[\])] | \blogin_exempt\b
    | \b(?:require_?auth\w*|auth_?required|login_?required|check_?auth\w*|verify_?(?:token|signature|csrf)|csrf_?(?:enabled|protection))["']?
      \s*[:=]\s*(?:False|0\b|off|none|null)
    | \balgorithms?["']?\s*[:=]\s*[\[(]?\s*["']none
    """
)
_ROLE = re.compile(
    r"""(?x)
    (?i:(?<![a-z])(?:role|access_?level|privilege)s?["']?\s*(?::\s*[\w\[\]|\s.]{1,60}?)?\s*(?:=(?!=)|:|=>)\s*["'(\[]*(?:\w+[.:]+)?
      (?:admin\w*|owner|root|super_?user|staff|editor|maintainer|moderator)\b)
    | \b(?i:is_?(?:admin|staff|superuser|owner))["']?\s*(?::\s*bool\s*)?(?:=(?!=)|:)\s*(?:True|true|1)\b
    | (?i:\bdefault_?roles?\b)
    """
)
_IMPORTED = re.compile(r"^\s*(?:from|import|use|require|include|package)\b")
_MIDDLEWARE = re.compile(
    r"""(?x)
    \b\w+\.use\( | \badd_middleware\( | ->middleware\( | \bMIDDLEWARE\w*\s*[+:=] | \.wsgi_app\s*=
    | ^\s*["'][\w.\\]*[Mm]iddleware[\w.]*["'],?\s*$ | ^\s*\\?[\w.\\]*Middleware(?:::class)?\s*(?:\([^)]*\))?,\s*$
    | ^\s*Middleware\(
    """
)


def judge_access(changed: Changed) -> tuple[Finding, ...]:
    """Say where a patch changes who may do what; one finding for each way."""
    added = unmoved(changed.added, changed.removed)
    gone, moved = _middleware(changed)
    roles = [line for line in added if _ROLE.search(line.text)]
    roles += [line for line in unmoved(changed.removed, changed.added) if _sets_default_role(line)]
    return (
        asked("access_guard_removed", "A guard of access is taken away", _unguarded(changed), changed),
        asked(
            "access_opened",
            "Access is opened",
            [line for line in added if _OPENED.search(line.text)],
            changed,
        ),
        asked("middleware_removed", "Middleware is taken away", gone, changed),
        asked("middleware_reordered", "The order of middleware changes", moved, changed),
        asked("default_role_changed", "A role is given or its default changes", roles, changed),
    )


def _unguarded(changed: Changed) -> list[Line]:
    return [*_lost_above(changed), *_lost_within(changed)]


def _lost_above(changed: Changed) -> list[Line]:
    """Find guards that went while what they guarded stays, here or elsewhere."""
    stays = _guarded(changed.added)
    lost = []
    for at, line in enumerate(changed.removed):
        if not _ABOVE.search(line.text) or line.path in changed.gone:
            continue
        name = _name_below(changed.removed, at)
        if not name or (name in stays and line.text not in stays[name]):
            lost.append(line)
    return lost


def _guarded(lines: tuple[Line, ...]) -> dict[str, set[str]]:
    """Return what is defined in the lines, each with the lines directly above it."""
    found: dict[str, set[str]] = {}
    above: set[str] = set()
    for line in lines:
        if name := _name_in(line.text):
            found.setdefault(name, set()).update(above)
            above = set()
        elif line.text.lstrip().startswith(_DECORATIONS):
            above.add(line.text)
        else:
            above = set()
    return found


def _name_below(lines: tuple[Line, ...], at: int) -> str:
    """Return what is defined directly below a line, other decorators passed over; empty when that stays as it is."""
    while (below := following(lines, at)) is not None and below.number == lines[at].number + 1:
        if not below.text.lstrip().startswith(_DECORATIONS):
            return _name_in(below.text)
        at += 1
    return ""


def _name_in(text: str) -> str:
    match = _DEFINED.search(text)
    return (match[1] or match[2]) if match else ""


def _lost_within(changed: Changed) -> list[Line]:
    lost: list[Line] = []
    for path in changed.paths:
        before = [line for line in changed.removed if line.path == path and _marks(line)]
        now = Counter(mark for line in changed.added if line.path == path for mark in _marks(line))
        for line in before if path not in changed.gone else ():
            marks = _marks(line)
            if any(now[mark] <= 0 for mark in marks):
                lost.append(line)
            now.subtract(marks)
    return lost


def _marks(line: Line) -> list[str]:
    """Return the guards within a line, each as it is written."""
    if _ABOVE.search(line.text) or _IMPORTED.match(line.text):
        return []
    return [" ".join(match.group().casefold().split()) for match in _WITHIN.finditer(line.text)]


def _sets_default_role(line: Line) -> bool:
    return re.search(r"(?i)\bdefault_?roles?\b", line.text) is not None


def _middleware(changed: Changed) -> tuple[list[Line], list[Line]]:
    """Return the middleware that went, and that which is there as before but in another place."""
    gone: list[Line] = []
    moved: list[Line] = []
    for path in changed.paths:
        if path in changed.gone:
            continue
        before = [line for line in changed.removed if line.path == path and _registers(line)]
        now = [line for line in changed.added if line.path == path and _registers(line)]
        left = unmoved(before, now)
        gone += left
        moved += unmoved(before, left)
    return gone, moved


def _registers(line: Line) -> bool:
    return not _IMPORTED.match(line.text) and _MIDDLEWARE.search(line.text) is not None
