"""What should run in an environment, by the book."""
