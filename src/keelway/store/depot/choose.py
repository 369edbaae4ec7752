"""Choose the depot that the configuration names."""

from __future__ import annotations

import re
from pathlib import Path

from keelway.core.errors import YourFault
from keelway.store.depot.depot import Depot
from keelway.store.depot.files import FileDepot

_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?")


def fault_of(address: str) -> str:
    """Return what is wrong with an address, an empty text when nothing is."""
    if not address or _S3.fullmatch(address):
        return ""
    return f"store.artefacts {address!r} is neither empty (files in the home) nor s3://bucket/prefix"


def open_depot(address: str, home: Path) -> Depot:
    """Return files in the home for an empty address, else the object store.

    Raises:
        YourFault: the address is no bucket, or the package for it is not installed.
    """
    if fault_of(address):
        raise YourFault("bad_artefacts_url", f"{fault_of(address)}.", "correct [store] artefacts")
    if not address:
        return FileDepot(home / "artefacts")
    from keelway.store.depot.s3 import S3Depot

    return S3Depot(address)
