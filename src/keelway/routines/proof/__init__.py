"""What is kept of a release so that it can be proven later."""
