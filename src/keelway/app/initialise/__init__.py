"""Look at a repository and write its first ``keelway.toml``."""
