"""CI on this machine: every job in a clean checkout of its own that is gone afterwards."""

from keelway.adapters.ci.local.ci import ADAPTER, LocalCi
from keelway.adapters.ci.local.fence import CheckFence

__all__ = ["ADAPTER", "CheckFence", "LocalCi"]
