"""Hand release artefacts to an operator, who deploys them and says so."""

from keelway.adapters.target.manual.target import ADAPTER, ManualTarget

__all__ = ["ADAPTER", "ManualTarget"]
