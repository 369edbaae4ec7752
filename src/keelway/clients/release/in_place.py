"""What targets share that replace what serves: one release at a time, and what lies behind it out of reach."""

from __future__ import annotations

from collections.abc import Mapping

from keelway.core.errors import YourFault


def the_one(environment: str, weights: Mapping[str, int]) -> str:
    """Return the release that is to serve.

    Raises:
        YourFault: the traffic is to be split, or nobody is to serve (``no_weights``).
    """
    wanted = [release for release, share in weights.items() if share]
    if len(wanted) != 1:
        raise YourFault(
            "no_weights",
            f"{environment} serves one release at a time, so its traffic cannot be split.",
            'use the strategy "replace" there',
        )
    return wanted[0]


def no_trial(environment: str, release: str) -> str:
    """Say that nobody can know whether a release boots beside the one that is live."""
    return f"{release} cannot be tried beside the release that is live in {environment}"


def out_of_reach(environment: str, keeper: str) -> YourFault:
    """Return what to say of a schema that somebody else keeps, such as ``the platform``."""
    return YourFault(
        "no_migrations",
        f"Keelway cannot reach the schema of {environment}.",
        f"let {keeper} migrate, and keep every migration good for the release before it",
    )
