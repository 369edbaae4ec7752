"""Write the list of a release as a CycloneDX 1.6 document."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from keelway.core.codec import canonical
from keelway.core.sbom.lock import Component, Locked

SPEC = "1.6"
FILE = "sbom.cdx.json"
MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"


def document(
    project: str, release: str, sha: str, at: datetime, found: Locked, version: str
) -> dict[str, Any]:
    """Return the document of a release; the same release always gets the same one.

    Args:
        project: name of the application.
        release: name of the release.
        sha: its commit.
        at: when it was deployed first.
        found: what its lock files say.
        version: of Keelway.
    """
    root = f"pkg:generic/{project}@{sha}"
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "keelway", "version": version}]},
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project,
                "version": release,
                "purl": root,
            },
            "properties": [
                {"name": "keelway:commit", "value": sha},
                *({"name": "keelway:lockfile", "value": path} for path in found.read),
                *({"name": "keelway:lockfile-unread", "value": path} for path in found.unread),
            ],
        },
        "components": [_component(each) for each in found.components],
        "compositions": [
            {
                "aggregate": "incomplete" if found.unread or not found.read else "complete",
                "assemblies": [root],
            }
        ],
    }
    return {**body, "serialNumber": _serial(body)}


def _component(each: Component) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "type": "library",
        "bom-ref": each.purl,
        "name": each.name,
        "version": each.version,
        "purl": each.purl,
    }
    if each.hashes:
        plain["hashes"] = [{"alg": algorithm, "content": digits} for algorithm, digits in each.hashes]
    return plain


def _serial(body: dict[str, Any]) -> str:
    """Return a UUID (version 8) that is made of the content."""
    digits = list(hashlib.sha256(canonical(body).encode()).hexdigest()[:32])
    digits[12], digits[16] = "8", "89ab"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
