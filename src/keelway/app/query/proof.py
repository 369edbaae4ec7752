"""What may be asked about proofs: attestations of gates and releases, and what a release is made of."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from keelway.app.audit.seal import seal_of
from keelway.app.query.sources import Desk
from keelway.core.attest.statement import (
    MEDIA_TYPE,
    Released,
    Verdict,
    gate_statement,
    is_verdict,
    payload_of,
    summary_statement,
)
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import EventKind, Link
from keelway.core.sbom.cyclonedx import FILE, document
from keelway.core.sbom.lock import is_lock, locked
from keelway.ports.ledger import Deployment, TaskRow

PAGE = 1_000


class ProofQueries(Desk):
    """Prove what was judged and released."""

    def attestations(self, task: str) -> tuple[dict[str, Any], ...]:
        """Return signed statements: one for each verdict of a task's gates, one for each of its releases.

        Raises:
            RequestRefused: no gate has judged the task yet.
        """
        row = self._ledger.find(task)
        name, project = row.task.name, self._from.config.project.name
        verdicts = self._verdicts(row)
        if not verdicts:
            raise RequestRefused("nothing_judged", f"No gate has judged {name} yet.", f"keelway show {name}")
        payloads = [payload_of(gate_statement(name, project, verdict)) for verdict in verdicts]
        for deployment in self._deployments(row):
            released = Released(
                name,
                project,
                deployment.environment,
                deployment.release,
                deployment.sha,
                deployment.status,
                deployment.finished_at or deployment.started_at,
                verdicts[-1].policy,
            )
            gates = payloads[: len(verdicts)]
            payloads.append(payload_of(summary_statement(released, verdicts, gates)))
        signer = seal_of(self._from.config, self._from.home).signer
        return tuple(signer.envelope(payload, MEDIA_TYPE) for payload in payloads)

    def sbom(self, release: str) -> dict[str, Any]:
        """Return what a release is made of, by the lock files of its own commit (CycloneDX).

        Raises:
            YourFault: there is no such release.
            RequestRefused: its commit holds no lock file that is known here.
            KeelwayError: the control plane does not run.
        """
        forge = self._doors().forge
        history = [entry for entry in self._ledger.deployments(limit=1_000) if entry.release == release]
        if not history:
            raise YourFault("unknown_release", f"There is no release {release[:80]!r}.", "keelway releases")
        first = history[-1]
        kept = [each for each in self._ledger.artefacts(first.task) if each["name"] == FILE]
        with contextlib.suppress(YourFault):  # its retention may be over; the commit says the same
            if first.task and kept:
                plain: dict[str, Any] = json.loads(self._ledger.artefact(kept[-1]["reference"]))
                return plain
        paths = tuple(path for path in forge.files(first.sha) if is_lock(path))
        if not paths:
            raise RequestRefused(
                "no_lockfile",
                f"The commit of {release} holds no lock file, so nobody can say what it is made of.",
                "commit a lock file: uv.lock, package-lock.json, composer.lock, go.sum or pinned requirements",
            )
        found = locked(paths, forge.texts(first.sha, paths))
        project = self._from.config.project.name
        return document(project, release, first.sha, first.started_at, found, version("keelway"))

    def _deployments(self, row: TaskRow) -> Iterator[Deployment]:
        for entry in reversed(self._ledger.deployments(limit=1_000)):
            if entry.task == row.task.id and entry.environment == "production":
                yield entry

    def _verdicts(self, row: TaskRow) -> list[Verdict]:
        mine = [link for link in self._pages(row.task.id) if is_verdict(link.event)]
        last, policy, found = (mine[-1].sequence if mine else 0), "", []
        wanted = {link.sequence for link in mine}
        for link in self._pages("", last):
            if link.event.kind is EventKind.POLICY_LOADED:
                policy = str(link.event.data.get("policy", ""))
            if link.sequence in wanted:
                found.append(Verdict(link.sequence, link.hash, link.event, policy))
        return found

    def _pages(self, task: str, last: int | None = None) -> Iterator[Link]:
        after = 0
        while page := self._ledger.events(task=task, after=after, limit=PAGE):
            for link in page:
                if last is not None and link.sequence > last:
                    return
                yield link
            after = page[-1].sequence
