"""The doors to the world: Protocols and the values that pass through them."""
