"""The policy: whose ceilings bind it, and which state of the repository's file counts."""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.home import Home
from keelway.app.policy.force import in_force
from keelway.core.errors import KeelwayError


def check_policy(config: Config, home: Home) -> Check:
    """Say where the policy of the next task comes from, and whether the work tree says something else."""
    try:
        found = in_force(config, home)
    except KeelwayError as error:
        return fail("policy", error.message, error.hint)
    ceiling = config.ceiling.path
    bound = f"under the ceilings of {ceiling}" if ceiling else "with no operator's file above it"
    sentence = f"The next task takes that of {found.repository}, {bound}."
    if found.policy != config.policy:
        cure = f"commit it on {config.project.branches.production}; the next task takes it over"
        return warn("policy", f"{sentence} That of the work tree is another one and does not count.", cure)
    return ok("policy", sentence)
