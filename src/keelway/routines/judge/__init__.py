"""Layers of the judge that have a room of their own."""
