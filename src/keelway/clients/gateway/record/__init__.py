"""What the gateway writes down: the log of a run's requests, and the entries for the book of costs."""
