"""A bare repository of ours: on the hub's own host, and as workers of other hosts see it."""

from keelway.adapters.forge.local.far import FarForge
from keelway.adapters.forge.local.forge import LocalForge

__all__ = ["ADAPTER", "FarForge", "LocalForge"]

ADAPTER = LocalForge
