"""One run of an agent, whatever it speaks: start it behind its fence, hold it to its limits, end it."""

from keelway.clients.run.driver import Driver
from keelway.clients.run.fence import Fence
from keelway.clients.run.launch import BLANKS, Launch, blanks_in, fill
from keelway.clients.run.purse import Gate
from keelway.clients.run.turn import End, Found, Limits, Order, Spent, Turn

__all__ = [
    "BLANKS",
    "Driver",
    "End",
    "Fence",
    "Found",
    "Gate",
    "Launch",
    "Limits",
    "Order",
    "Spent",
    "Turn",
    "blanks_in",
    "fill",
]
