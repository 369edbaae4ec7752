"""Run the migration commands of a release against a copy of the data instead of the data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from keelway.adapters.target.process import schema
from keelway.adapters.target.process.site import Site
from keelway.clients.secret_file import resolve


@dataclass(frozen=True)
class CopySite(Site):
    """Be a site whose commands see other addresses than those of the live data."""

    instead: dict[str, str] = field(default_factory=dict)

    def variables(self, environment: str, release: str, port: int = 0) -> dict[str, str]:
        """Return the environment of a command, its secrets included, with what stands instead."""
        secrets = {name: resolve(reference) for name, reference in super().secrets(environment).items()}
        given = {**super().variables(environment, release, port), **secrets}
        return {name: self._replaced(value) for name, value in given.items()}

    def secrets(self, environment: str) -> dict[str, str]:
        """Return none: they are among the variables already, with what stands instead."""
        del environment
        return {}

    def fill(self, text: str, environment: str, release: str, port: int = 0) -> str:
        """Fill the placeholders of a configured text, with what stands instead."""
        return self._replaced(super().fill(text, environment, release, port))

    def _replaced(self, value: str) -> str:
        """Replace a whole address, or a folder wherever it begins a path."""
        if value in self.instead:
            return self.instead[value]
        for live, there in self.instead.items():
            if live.startswith("/"):
                value = value.replace(f"{live}/", f"{there}/")
        return value


class CopySteps:
    """Move the schema of a copy."""

    def __init__(self, site: Site, environment: str, release: str, instead: dict[str, str]) -> None:
        given = {one.name: getattr(site, one.name) for one in fields(site)}
        self._site, self._where = CopySite(**given, instead=instead), (environment, release)

    def version(self) -> int | None:
        """Read the schema version."""
        return schema.version(self._site, *self._where)

    def up(self) -> None:
        """Move up to the newest."""
        schema.migrate(self._site, *self._where, None)

    def down(self, version: int) -> bool:
        """Move down to a version; ``False`` when the project has no command for that."""
        if not self._site.project.migrate.down:
            return False
        schema.migrate(self._site, *self._where, version)
        return True
