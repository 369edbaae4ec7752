"""List what a release is made of, from the lock files of its own commit."""
