"""Secrets by name, never by value."""
