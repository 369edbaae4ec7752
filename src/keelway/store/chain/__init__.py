"""The audit chain: write it, keep a witness of it, verify it."""
