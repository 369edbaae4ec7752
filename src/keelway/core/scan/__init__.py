"""Scanners: which files concern them, and what their reports mean for a patch."""
