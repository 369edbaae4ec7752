"""How traffic moves to a new release, as data."""
