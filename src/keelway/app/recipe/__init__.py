"""Maintenance by recipe, by hand and by the clock."""
