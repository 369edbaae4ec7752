"""What the numbers of a running release say."""
