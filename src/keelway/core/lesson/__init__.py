"""What tasks teach the next ones: kept as data with its origin, never as an instruction."""
