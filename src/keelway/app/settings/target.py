"""Let an environment say what differs from the target of the project, and find what can never work."""

from __future__ import annotations

from typing import Any

from keelway.app.registry import names
from keelway.app.sections import ConfigFile, EnvironmentSection
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.target.spec import MANUAL, target_problems

PORT_MAX = 65_535


def with_targets(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document in which every environment states its whole target: the project's under its own words."""
    project = document.get("target", {})
    places = {name: document[name] for name in (STAGING, PRODUCTION) if isinstance(document.get(name), dict)}
    if not isinstance(project, dict):
        return document
    return document | {
        name: place | {"target": _over(project, place.get("target", {}))} for name, place in places.items()
    }


def _over(under: Any, over: Any) -> Any:
    """Lay one table over another; whatever is no table takes the place of what was there."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return under | {key: _over(under.get(key), value) for key, value in over.items()}


def environment_problems(file: ConfigFile) -> list[str]:
    """Return what is wrong with the addresses and targets of the environments."""
    places = {STAGING: file.staging, PRODUCTION: file.production}
    problems = [found for name, place in places.items() for found in _problems(name, place)]
    if file.staging.port == file.production.port and file.staging.port:
        problems.append(f"staging and production share the port {file.staging.port}")
    if file.staging.target.use == MANUAL:
        problems.append(
            "staging.target.use cannot be manual: the way back is rehearsed there, without a person"
        )
    return problems


def _problems(name: str, place: EnvironmentSection) -> list[str]:
    use = place.target.use
    if not use.endswith(".py") and use not in names("target"):
        return [f"{name}.target.use {use!r} is not known; known: {', '.join(names('target'))}"]
    problems = target_problems(place.target, name)
    if place.url and not place.url.startswith(("http://", "https://")):
        problems.append(f"{name}.url {place.url!r} begins with neither http:// nor https://")
    needed = place.target.local or not place.url
    if needed and not 0 < place.port <= PORT_MAX:
        problems.append(f"{name}.port {place.port} is no port")
    return problems
