"""Numbers that the front counts and errors that the application logs as JSON lines."""

from keelway.adapters.signal.front.signal import ADAPTER, FrontSignal

__all__ = ["ADAPTER", "FrontSignal"]
