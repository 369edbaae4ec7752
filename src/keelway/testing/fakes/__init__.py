"""One fake per port, each with a small real behaviour."""
