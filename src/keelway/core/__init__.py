"""Values and decisions: no clock, no files, no network, no randomness, no logging."""
