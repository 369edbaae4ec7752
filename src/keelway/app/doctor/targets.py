"""The targets that are not processes of this machine: can they be reached, and what is live there?"""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.app.target.choose import make_target
from keelway.core.errors import KeelwayError
from keelway.core.model.project import EnvironmentSpec
from keelway.ports.target import Target


def check_targets(config: Config, home: Home) -> tuple[Check, ...]:
    """Ask every target that runs a release in place for what is live there; nothing is altered."""
    far = [spec for spec in config.project.environments if spec.target.in_place]
    if not far:
        return ()
    try:
        target = make_target(config, home, load("vault", "file")(str(home.root)))
    except KeelwayError as error:
        return (fail("targets", error.message, error.hint),)
    return tuple(_check(target, spec, restorable=bool(config.project.sqlite)) for spec in far)


def _check(target: Target, spec: EnvironmentSpec, *, restorable: bool) -> Check:
    name, use = f"target of {spec.name}", spec.target.use
    try:
        state = target.state(spec.name)
    except KeelwayError as error:
        return fail(name, f"{use}: {error.message}", error.hint or f"correct [{spec.name}.target]")
    if not state.active and state.detail:
        cure = f"correct [{spec.name}.target]; until then nothing is deployed there"
        return fail(name, f"{use}: nobody can say what is live: {state.detail}", cure)
    if not state.active:
        return warn(
            name,
            f"{use}: nothing is known to be live.",
            f"keelway deploy {spec.name}, after which there is a way back",
        )
    if not state.healthy:
        return warn(
            name, f"{use}: {state.active} is live, but {state.detail}.", f"keelway health {spec.name}"
        )
    if restorable and spec.target.git_pull.host:
        said = f"{use}: {state.active} is live. Its data lies on {spec.target.git_pull.host}, where no backup is made."
        return warn(name, said, "let migrations be taken down again: migrate.down in keelway.toml")
    return ok(name, f"{use}: {state.active} is live and healthy.")
