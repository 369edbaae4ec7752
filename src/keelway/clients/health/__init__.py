"""Ask whether something is well by other ways than one HTTP request."""
