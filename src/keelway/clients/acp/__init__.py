"""Speak the Agent Client Protocol with any agent, one turn at a time."""

from keelway.clients.acp.session import speak

__all__ = ["speak"]
