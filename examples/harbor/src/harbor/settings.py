"""Read what the environment says, once, at the start of a process."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Profile:
    """Hold what differs between environments."""

    poll_seconds: float
    session_seconds: int
    jobs_kept: int


PROFILES = {
    "development": Profile(poll_seconds=0.2, session_seconds=86_400, jobs_kept=1_000),
    "staging": Profile(poll_seconds=0.2, session_seconds=3_600, jobs_kept=1_000),
    "production": Profile(poll_seconds=0.1, session_seconds=3_600, jobs_kept=10_000),
}


@dataclass(frozen=True)
class Settings:
    """Hold everything a web or worker process needs to know before it starts."""

    db: Path
    log: Path | None
    port: int
    env: str
    release: str
    user: str
    password: str

    @property
    def profile(self) -> Profile:
        """Return the values of this environment."""
        return PROFILES[self.env]


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Turn environment variables into settings; raise ValueError for an environment nobody has described."""
    values = os.environ if environ is None else environ
    env = values.get("HARBOR_ENV", "development")
    if env not in PROFILES:
        raise ValueError(f"HARBOR_ENV is {env!r}. Set it to one of: {', '.join(PROFILES)}.")
    log = values.get("HARBOR_LOG")
    return Settings(
        db=Path(values.get("HARBOR_DB", "harbor.db")),
        log=Path(log) if log else None,
        port=int(values.get("PORT", "8000")),
        env=env,
        release=values.get("HARBOR_RELEASE", "dev"),
        user=values.get("HARBOR_USER", "demo"),
        password=values.get("HARBOR_PASSWORD", "harbor"),
    )
