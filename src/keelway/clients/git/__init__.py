"""The hardened git client: nothing but our own configuration ever takes part."""

from keelway.clients.git.client import Git
from keelway.clients.git.values import Commit, Entry, Merged

__all__ = ["Commit", "Entry", "Git", "Merged"]
