"""Who checks a commit."""
