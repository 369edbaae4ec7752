"""What is allowed, how much of it, and by whom."""
