"""The durable stories, read from top to bottom."""
