"""Programs of others that look at files for us: where they are, which version, and one bounded run."""
