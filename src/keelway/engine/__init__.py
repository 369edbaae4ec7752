"""Durability: a story survives the process that tells it."""
