"""Keelway turns a request into a running, watched and reversible change."""
