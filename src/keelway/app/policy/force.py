"""Find the policy that the next task would get, without starting anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelway.app.config import FILE_NAME, Config
from keelway.app.home import Home
from keelway.app.policy.base import Policies
from keelway.app.policy.operator import combined_under
from keelway.app.policy.trust import Trust
from keelway.clients.git import Git
from keelway.core.errors import YourFault
from keelway.core.policy import Policy
from keelway.core.policy.ceiling import Combined
from keelway.core.words.text import short
from keelway.ports.ledger import TaskRow

BYTES_MAX = 300_000


@dataclass(frozen=True)
class InForce:
    """Hold a policy and where it comes from."""

    policy: Policy
    combined: Combined
    repository: str
    """Which state of the repository's file counts, in words."""


class _Bare:
    """Read the bare repository of the local forge as it is; one that is not there yet has no branches."""

    def __init__(self, home: Home) -> None:
        self._git = Git(str(home.repository))
        self._there = Path(home.repository).is_dir()

    def head(self, branch: str) -> str:
        """Return the commit of a branch, empty when there is none yet."""
        return self._git.ref(f"refs/heads/{branch}") if self._there else ""

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file, empty when it is not there."""
        return (self._git.read(sha, path, BYTES_MAX) or b"").decode("utf-8", "replace") if sha else ""


class _NoBook:
    """Know of no task."""

    def state(self, key: str, default: str = "") -> str:
        """Return the default."""
        del key
        return default

    def states(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def set_state(self, key: str, value: str) -> None:
        """Keep nothing."""

    def find(self, task: str) -> TaskRow:
        """Find nothing.

        Raises:
            YourFault: always.
        """
        raise YourFault("unknown_task", f"There is no task {task!r}.", "keelway tasks")


def in_force(config: Config, home: Home) -> InForce:
    """Return the policy that the next task would get: of the base branch, else of the work tree.

    Raises:
        YourFault: the policy on the base branch cannot be used, or is looser than the operator allows.
    """
    book = _NoBook()
    pin = Policies(config, book, _Bare(home), Trust(config, book)).at_base()
    if pin is None:
        own = combined_under(config.ceiling, config.stated, str(config.path))
        return InForce(
            config.policy, own, f"{FILE_NAME} of the work tree, which the base branch does not hold yet"
        )
    branch = config.project.branches.integration
    where = f"{FILE_NAME} of {branch} ({short(pin.base_sha)})"
    return InForce(pin.policy, combined_under(config.ceiling, pin.stated, where), where)
