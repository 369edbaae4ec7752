"""Run scripts on this machine or on another one over ssh, in the same way."""

from keelway.clients.host.host import UNREACHED, Host

__all__ = ["UNREACHED", "Host"]
