"""Procedures that several stages share."""
