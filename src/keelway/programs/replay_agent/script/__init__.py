"""The script: its grammar, its reading and the choice of a play."""
