"""A private clone for each task, and the same one that follows its task from host to host."""

from keelway.adapters.sandbox.private_clone.clone import PrivateClone
from keelway.adapters.sandbox.private_clone.travel import TravellingClone

__all__ = ["ADAPTER", "PrivateClone", "TravellingClone"]

ADAPTER = PrivateClone
