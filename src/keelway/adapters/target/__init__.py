"""Where a release runs and how traffic reaches it."""
