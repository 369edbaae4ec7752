"""HTTP on loopback."""
