"""Find the address of a database in an environment's own settings, so that it is written down once."""

from __future__ import annotations

from collections.abc import Callable

from keelway.clients.places import Places
from keelway.core.errors import YourFault
from keelway.core.model.project import Project

_OF_ENVIRONMENT = "env:"


def address_of(
    text: str, project: Project, environment: str, places: Places, secret: Callable[[str], str]
) -> str:
    """Return a configured address, or what the processes of an environment get under the name behind ``env:``.

    Args:
        text: as it is configured.
        project: the application.
        environment: whose address.
        places: where the data directories are.
        secret: returns the value of a secret.

    Raises:
        YourFault: the environment has no such name (``no_address``), or the secret is not there.
    """
    if not text.startswith(_OF_ENVIRONMENT):
        return places.fill(text, environment)
    name = text.removeprefix(_OF_ENVIRONMENT)
    spec = next((one for one in project.environments if one.name == environment), None)
    if spec is not None and name in spec.secrets:
        return secret(spec.secrets[name])
    if spec is not None and name in spec.env:
        return places.fill(spec.env[name], environment)
    raise YourFault(
        "no_address",
        f"[data] takes an address from {name}, and {environment} has neither a variable nor a secret of that name.",
        f"add {name} to [{environment}.env] or [{environment}.secrets]",
    )
