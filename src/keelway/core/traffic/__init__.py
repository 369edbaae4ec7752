"""Which release gets which share of the traffic, as data."""
