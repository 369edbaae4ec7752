"""Start, order about and end the programs that carry traffic."""
