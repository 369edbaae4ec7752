"""What holds the port of an environment and spreads its traffic over releases."""
