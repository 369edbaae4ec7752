"""Find source of other languages than Python that behaves for its judge."""
