"""Push exactly one commit to the branch that a platform watches."""

from __future__ import annotations

from keelway.clients.git import Git
from keelway.core.errors import TheirFault

_ENV = {"GIT_ALLOW_PROTOCOL": "file:ssh", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=15"}


def push(git: Git, address: str, branch: str, sha: str) -> None:
    """Let a branch point at a commit, forward or back; what somebody else pushed there is never overwritten.

    Raises:
        TheirFault: the repository cannot be reached, or refuses (``push_refused``).
    """
    ref = f"refs/heads/{branch}"
    try:
        said = git.text("ls-remote", "--quiet", "--", address, ref, env=_ENV)
        now = said.split("\t")[0] if said else ""
        known = not now or git.has(f"{now}^{{commit}}")
        if now != sha and known:
            lease = f"--force-with-lease={ref}:{now}"
            git.call("push", "--quiet", "--no-verify", lease, "--", address, f"{sha}:{ref}", env=_ENV)
    except TheirFault as error:
        raise _refused(sha, branch, address, error.message) from error
    if not known:
        raise _refused(sha, branch, address, f"it holds {now[:12]} there, which did not come from here.")


def _refused(sha: str, branch: str, address: str, why: str) -> TheirFault:
    said = f"{sha[:12]} could not be pushed to {branch} of {address}: {why}"
    return TheirFault("push_refused", said, f"git ls-remote {address}")
