"""Who may have an agent at work behind a weak fence: nobody but the owner and Keelway itself."""

from __future__ import annotations

from keelway.core.model.fence import Fence
from keelway.core.model.task import SYSTEM, Actor, Request, Source
from keelway.core.model.verdict import Finding, failed, passed

_OWN_SOURCES = frozenset({Source.DETECTOR, Source.CRON, Source.CI, Source.SELF})


def is_owner(actor: Actor, owner: str) -> bool:
    """Tell whether somebody is the configured owner: a name, or ``name@channel`` to bind it to one channel."""
    return bool(owner) and owner == (str(actor) if "@" in owner else actor.name)


def is_trusted(request: Request, owner: str) -> bool:
    """Tell whether a request comes from the owner, or was made by Keelway from what it measured."""
    who = request.requested_by
    return is_owner(who, owner) or (who == SYSTEM and request.source in _OWN_SOURCES)


def judge_fence(request: Request, owner: str, fence: Fence) -> Finding:
    """Decide whether an agent may begin to work on a request behind the fence of this machine."""
    name, weak = fence.name, str(fence.trusted_only).lower()
    if not fence.works:
        return failed(
            "fence_broken", f"{describe(fence)} Next: keelway doctor", fence=name, trusted_only=weak
        )
    if not fence.trusted_only:
        return passed("fence_holds", describe(fence), fence=name, trusted_only=weak)
    if is_trusted(request, owner):
        said = f"{request.requested_by} is trusted, so the agent may work all the same. {describe(fence)}"
        return passed("fence_weak", said, fence=name, trusted_only=weak)
    return failed(
        "fence_too_weak",
        f"{request.requested_by} is not trusted like the owner, and agents here are not fenced well enough for "
        f"such requests. {describe(fence)} Next: install bubblewrap on the machine of the agents, see what it "
        "holds with keelway doctor sandbox, and ask again.",
        fence=name,
        trusted_only=weak,
    )


def describe(fence: Fence) -> str:
    """Say in words what fences agents, what it lacks first of all."""
    lacks = "; ".join(fence.missing)
    if not fence.works:
        return f"The sandbox {fence.name} does not work here{f': {lacks}' if lacks else ''}."
    if fence.name == "none":
        return f"Agents run WITHOUT A SANDBOX{f': {lacks}' if lacks else ''}."
    if fence.trusted_only:
        return f"Agents run behind {fence.name}, a WEAK sandbox{f': {lacks}' if lacks else ''}."
    limits = f", limits by {fence.limits}" if fence.limits else ""
    return f"Agents run in {fence.name}{limits}{f'. Not held: {lacks}' if lacks else ''}."
