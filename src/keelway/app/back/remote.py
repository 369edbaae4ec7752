"""The verbs of the way back over HTTP."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar
from urllib.parse import quote

from keelway.app.view.system import DriftView, DrillView, LockView, MenuView, OrderView, QuarantineView
from keelway.app.view.task import TaskLine

T = TypeVar("T")


class BackVerbs:
    """Ask and order at a running control plane whatever concerns the way back."""

    @abstractmethod
    def _many(self, kind: type[T], path: str, **asked: object) -> tuple[T, ...]: ...

    @abstractmethod
    def _post(self, kind: type[T], path: str, body: dict[str, Any]) -> T: ...

    @abstractmethod
    def _posted(self, kind: type[T], path: str, body: dict[str, Any]) -> tuple[T, ...]: ...

    def menu(self, environment: str = "") -> tuple[MenuView, ...]:
        """Show the ways back."""
        return self._many(MenuView, "back/menu", environment=environment)

    def drift(self, environment: str = "") -> tuple[DriftView, ...]:
        """Compare what runs with what is recorded."""
        return self._many(DriftView, "back/drift", environment=environment)

    def drills(self, environment: str = "") -> tuple[DrillView, ...]:
        """Show the drills."""
        return self._many(DrillView, "back/drills", environment=environment)

    def locks(self) -> tuple[LockView, ...]:
        """Show the locks."""
        return self._many(LockView, "back/locks")

    def quarantine(self) -> tuple[QuarantineView, ...]:
        """Show the commits that are barred."""
        return self._many(QuarantineView, "back/quarantine")

    def lock(self, environment: str, reason: str = "", hours: float = 0.0) -> LockView:
        """Lock an environment."""
        body = {"environment": environment, "reason": reason, "hours": hours}
        return self._post(LockView, "back/lock", body)

    def unlock(self, environment: str) -> tuple[LockView, ...]:
        """Lift the lock of an environment; return it, when there was one."""
        return self._posted(LockView, "back/unlock", {"environment": environment})

    def drill(self, environment: str, parts: tuple[str, ...]) -> OrderView:
        """Order a drill."""
        return self._post(OrderView, "back/drill", {"environment": environment, "parts": list(parts)})

    def settle_drift(self, environment: str, how: str, reason: str = "") -> OrderView:
        """Order drift to be adopted or put back."""
        body = {"environment": environment, "how": how, "reason": reason}
        return self._post(OrderView, "back/drift", body)

    def prepare(self, environment: str, to: str = "", reason: str = "") -> OrderView:
        """Order a branch and a pull request that bring git back."""
        body = {"environment": environment, "to": to, "reason": reason}
        return self._post(OrderView, "back/prepare", body)

    def land(self, pull: int) -> OrderView:
        """Order the pull request of a rollback to be merged."""
        return self._post(OrderView, f"back/land/{pull}", {})

    def undo_feature(self, task: str, reason: str = "") -> TaskLine:
        """Open the task that takes one feature back."""
        return self._post(TaskLine, f"back/feature/{quote(task, safe='')}", {"reason": reason})

    def cure(self, sha: str, commit: str) -> QuarantineView:
        """Name the commit that undoes or cures a quarantined one."""
        return self._post(QuarantineView, f"back/quarantine/{quote(sha, safe='')}", {"commit": commit})
