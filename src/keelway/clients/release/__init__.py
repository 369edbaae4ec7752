"""What targets know of releases: what they were made of, what serves, whether it is well, and their schema."""
