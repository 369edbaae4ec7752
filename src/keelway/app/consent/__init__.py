"""Decide for a person: by command, by page, by link; every refusal leaves a record."""
