"""Sign the end of the audit chain now and then, in a thread of its own."""

from __future__ import annotations

import logging
from pathlib import Path

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.clients.rounds import Rounds
from keelway.store.chain.seal import Seal
from keelway.store.ledger import SqlLedger

_log = logging.getLogger(__name__)


def seal_of(config: Config, home: Home) -> Seal:
    """Return what signs the heads of a home, with its own key or the configured one.

    Raises:
        YourFault: the configured key cannot be used.
    """
    named = config.file.audit.key
    if not named:
        return Seal(home.root, config.project.name)
    seal = Seal(home.root, config.project.name, config.path.parent / Path(named).expanduser())
    seal.signer.keyid  # noqa: B018 - a key that cannot be used has to be told at the start
    return seal


class Sealer(Rounds):
    """Sign as long as the control plane lives."""

    def __init__(self, ledger: SqlLedger, interval_seconds: float) -> None:
        super().__init__(
            ledger.sign,
            interval_seconds,
            _log,
            name="sealer",
            failed="The end of the audit chain could not be signed.",
            at_once=True,
        )
