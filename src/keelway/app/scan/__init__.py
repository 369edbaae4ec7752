"""Scanners of a project: which are configured, and one door that lets all of them look."""
