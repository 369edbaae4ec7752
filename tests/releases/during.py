"""What goes wrong around a bad release while it is observed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.releases.pier import Pier

from keelway.adapters.target.process.running import WEB, process_id
from keelway.clients.control import Front, Supervisor
from keelway.clients.places import Places
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER
from keelway.ports.ledger import Deployment

Act = Callable[[Pier, Deployment], None]
_ENDS = "import sys\nsys.exit('this release is broken')\n"


def remove_previous(pier: Pier, bad: Deployment) -> None:
    """Lose the release before, its process and its files."""
    _end(pier, bad.previous_release)
    shutil.rmtree(_places(pier).release(PRODUCTION, bad.previous_release))


def break_previous(pier: Pier, bad: Deployment) -> None:
    """Let the release before end, and never start again."""
    _break(pier, bad.previous_release)


def break_all(pier: Pier, bad: Deployment) -> None:
    """Let no other release start again."""
    for record in _places(pier).releases(PRODUCTION).glob("*/release.json"):
        if record.parent.name != bad.release:
            _break(pier, record.parent.name)


def damage_backup(pier: Pier, bad: Deployment) -> None:
    """Alter one byte of the backup."""
    path = Path(bad.figures["backup"]["path"])
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def deploy_again(pier: Pier, bad: Deployment) -> None:
    """Order another deploy of what the production branch holds."""
    pier.commands.deploy(PRODUCTION, "", OWNER)


def switch_by_hand(pier: Pier, bad: Deployment) -> None:
    """Move the traffic past Keelway, with the epoch that is in force."""
    front = Front(_places(pier).front_socket(PRODUCTION))
    url = next(
        one.url for one in pier.target.state(PRODUCTION).releases if one.release == bad.previous_release
    )
    front.route(int(front.state()["epoch"]), {bad.previous_release: (url, 100)})


ACTS: dict[str, Act] = {
    act.__name__: act
    for act in (remove_previous, break_previous, break_all, damage_backup, deploy_again, switch_by_hand)
}


def _break(pier: Pier, release: str) -> None:
    web = _places(pier).release(PRODUCTION, release) / "tree" / "web.py"
    web.chmod(0o600)
    web.write_text(_ENDS)
    _end(pier, release)


def _end(pier: Pier, release: str) -> None:
    supervisor = Supervisor(_places(pier).supervisor() / "supervisor.sock")
    supervisor.remove(process_id(PRODUCTION, release, WEB))


def _places(pier: Pier) -> Places:
    return Places(pier.home.root.resolve())
