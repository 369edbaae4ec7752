"""What an operator is told who deploys by hand, and what is told once that is done."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.words.text import duration, line


@dataclass(frozen=True)
class Errand:
    """Describe what an operator is asked to bring where."""

    environment: str
    release: str
    sha: str
    where: str
    """Folder of the artefacts."""
    live: str
    """Release that is live now, empty when nobody knows of one."""
    seconds_max: float
    back: bool
    """It is the way back from a bad release."""


def errand_subject(errand: Errand) -> str:
    """Return the subject of the request."""
    if errand.back:
        return f"{errand.environment}: bring {errand.release} BACK now"
    return f"{errand.environment}: {errand.release} is ready to be deployed by you"


def errand_text(errand: Errand) -> str:
    """Ask an operator to deploy a release by hand."""
    where, release = line(errand.environment), line(errand.release)
    head = (
        f"!! {line(errand.live) or 'The release'} in {where} is bad. Deploy {release} again, now."
        if errand.back
        else f"{release} passed every gate. Please deploy it to {where}."
    )
    now = "" if errand.back else f"Live now: {line(errand.live) or 'nothing that is known'}\n"
    return (
        f"{head}\n\nCommit: {line(errand.sha)}\nArtefacts: {line(errand.where)}\n{now}"
        f"Check them first: cd into that folder, then sha256sum --check SHA256SUMS\n\n"
        f"When it is live: keelway confirm {where} {release}\n"
        f'If it cannot be: keelway confirm {where} {release} --failed "what went wrong"\n\n'
        f"You have {duration(errand.seconds_max)}; after that it counts as failed.\n"
    )


def errand_done(errand: Errand, seconds: float) -> str:
    """Tell that an operator has done it."""
    return (
        f"{line(errand.environment)} serves {line(errand.release)}, as its operator confirmed after "
        f"{duration(seconds)}. It is watched now.\n"
    )
