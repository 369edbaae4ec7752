"""Bring unfinished runs onto a newer workflow schema, and prove beforehand that they fit."""
