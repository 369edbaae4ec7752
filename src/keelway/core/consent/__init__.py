"""Whose yes counts: who a person is, which groups own what, what a link allows, what changed since."""
