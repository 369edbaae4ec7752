"""Check every wire before something hangs on it."""
