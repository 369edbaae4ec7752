"""Which package indexes are asked."""
