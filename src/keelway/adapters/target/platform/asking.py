"""Ask a platform how a deployment stands and what is live: by commands, or by the deployments of GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from keelway.adapters.target.platform.commands import Commands
from keelway.clients.http import HttpClient
from keelway.clients.secret_file import resolve
from keelway.core.errors import TheirFault
from keelway.core.target.platform import Stand, commit_of, stand_of
from keelway.core.target.spec import PlatformSpec
from keelway.ports.vault import Vault

_PAGE = 30
_ASK_SECONDS = 20.0
_STATES = {
    "success": Stand.READY,
    "error": Stand.ERROR,
    "failure": Stand.ERROR,
    "pending": Stand.BUILDING,
    "queued": Stand.BUILDING,
    "in_progress": Stand.BUILDING,
}
"""States of a GitHub deployment; ``inactive`` and whatever comes later say nothing of ours."""


class Asking(Protocol):
    """Say what a platform says."""

    def stand(self, sha: str) -> Stand:
        """Return how the newest deployment of a commit stands."""
        ...

    def live(self) -> str:
        """Return the commit that users get now, empty when nothing was ever live."""
        ...


@dataclass(frozen=True)
class ByCommand:
    """Ask by the commands of the configuration."""

    commands: Commands
    spec: PlatformSpec

    def stand(self, sha: str) -> Stand:
        """Return what the first word of ``status`` says; of a command that fails, nothing good is believed."""
        done, why = self.commands.ask(self.spec.status, sha)
        stand = stand_of(done.stdout.decode("utf-8", "replace"))
        return Stand.UNKNOWN if why and stand is not Stand.ERROR else stand

    def live(self) -> str:
        """Return the commit that ``live`` prints.

        Raises:
            TheirFault: it failed, or names no commit (``live_unknown``).
        """
        done, why = self.commands.ask(self.spec.live, "")
        said = done.stdout.decode("utf-8", "replace").strip()
        sha = "" if why else commit_of(said)
        if why or (said and not sha):
            shown = why or f"it printed {self.commands.vault.redact(said[:200])!r}"
            raise TheirFault(
                "live_unknown",
                f"Nobody knows what is live: {' '.join(self.spec.live)}: {shown}",
                "let it print the commit that users get",
            )
        return sha


@dataclass(frozen=True)
class ByGitHub:
    """Ask the deployments of a GitHub repository."""

    spec: PlatformSpec
    environment: str
    vault: Vault

    def stand(self, sha: str) -> Stand:
        """Return the state of the newest deployment of a commit; one that cannot be asked says nothing."""
        try:
            found = self._deployments(f"&sha={sha}", 1)
            return self._stand(found[0]) if found else Stand.UNKNOWN
        except TheirFault:
            return Stand.UNKNOWN

    def live(self) -> str:
        """Return the commit of the newest deployment that succeeded.

        Raises:
            TheirFault: the API does not answer, or not as it should (``live_unknown``).
        """
        for one in self._deployments("", _PAGE):
            if self._stand(one) is Stand.READY:
                return commit_of(str(one.get("sha", "")))
        return ""

    def _deployments(self, more: str, count: int) -> list[dict[str, Any]]:
        name = quote(self.spec.github_environment or self.environment, safe="")
        return self._get(f"/deployments?environment={name}{more}&per_page={count}")

    def _stand(self, deployment: dict[str, Any]) -> Stand:
        statuses = self._get(f"/deployments/{int(deployment['id'])}/statuses?per_page=1")
        return _STATES.get(str(statuses[0].get("state", "")), Stand.UNKNOWN) if statuses else Stand.BUILDING

    def _get(self, path: str) -> list[dict[str, Any]]:
        token = resolve(self.vault.reference(self.spec.github_token)) if self.spec.github_token else ""
        with HttpClient(self.spec.github_api, timeout_seconds=_ASK_SECONDS, token=token) as client:
            answer = client.request(
                "GET",
                f"/repos/{self.spec.github}{path}",
                headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            )
        said = answer.json if answer.ok else None
        if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
            raise TheirFault(
                "live_unknown",
                f"{self.spec.github_api} answered {answer.status} about the deployments of {self.spec.github}.",
                "correct github and github_token; the token needs to read deployments",
            )
        return said
