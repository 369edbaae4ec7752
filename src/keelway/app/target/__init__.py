"""Which target runs the releases of which environment."""
