"""Say what every question may be filled in with: places, names and secrets of one project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from keelway.clients.asking import Asked
from keelway.clients.places import Places
from keelway.clients.secret_file import resolve
from keelway.core.errors import KeelwayError, YourFault
from keelway.core.model.project import EnvironmentSpec, ProbeSpec, Project
from keelway.core.probe.fill import secrets_of

Values = dict[str, str]


def _no_vault(name: str) -> str:
    raise YourFault("no_secret", f"There is no vault that holds {name!r}.", "name it in the secrets file")


@dataclass(frozen=True)
class Ground:
    """Stand on a project, or on nothing at all for a question that needs nothing."""

    project: Project = field(default_factory=lambda: Project(""))
    places: Places | None = None
    reference: Callable[[str], str] = _no_vault
    """Give the reference of a secret by its name."""
    redact: Callable[[str], str] = str

    def asked(self, spec: ProbeSpec, environment: str, release: str, way: Callable[[Values], Asked]) -> Asked:
        """Ask with everything filled in; what cannot be asked is answered wrongly, and no secret is shown."""
        try:
            found = way(self.values(spec, environment, release))
        except KeelwayError as error:
            found = Asked(0.0, wrong=f"{error.message}{f' Next: {error.hint}' if error.hint else ''}")
        return replace(found, wrong=self.redact(found.wrong), text="")

    def values(self, spec: ProbeSpec, environment: str, release: str) -> Values:
        """Return what fills placeholders.

        Raises:
            YourFault: a secret is missing, or its file is readable by others.
        """
        values = {"environment": environment}
        if release:
            values["release"] = release
        if self.places is not None and environment:
            values["data"] = str(self.places.data(environment))
            if release:
                values["tree"] = str(self.places.release(environment, release) / "tree")
        for name in sorted(secrets_of(spec)):
            values[f"secret:{name}"] = resolve(self.reference(name))
        return values

    def spec(self, environment: str) -> EnvironmentSpec | None:
        """Return the description of an environment, None when it is not of this project."""
        return next((each for each in self.project.environments if each.name == environment), None)
