"""Scanners: programs of others, and our own matcher of the secrets that Keelway holds."""
