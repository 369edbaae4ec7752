"""Use cases and wiring: the only ways to change anything."""
