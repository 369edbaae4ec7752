"""What a reviewer may say about a change, and what that means for its merge."""
