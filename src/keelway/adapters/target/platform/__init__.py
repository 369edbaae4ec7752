"""Hand a commit to a platform that builds and runs it itself, and wait until it is live there."""

from keelway.adapters.target.platform.target import ADAPTER, PlatformTarget

__all__ = ["ADAPTER", "PlatformTarget"]
