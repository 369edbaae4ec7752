"""Coding agents by name: what is known of each, where it is installed, how it is driven."""
