"""Where the repository and its pull requests live."""
