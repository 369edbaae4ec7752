"""Drive HAProxy."""
