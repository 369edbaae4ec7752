"""Whom a path belongs to."""
