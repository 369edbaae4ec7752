"""Drive any agent that speaks the Agent Client Protocol, one bounded turn at a time."""

from keelway.clients.acp.driver import Driver
from keelway.clients.acp.turn import End, Found, Launch, Limits, Order, Spent, Turn

__all__ = ["Driver", "End", "Found", "Launch", "Limits", "Order", "Spent", "Turn"]
