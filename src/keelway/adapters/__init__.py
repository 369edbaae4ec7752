"""Vendors and machinery behind the ports; the file name is the name in the configuration."""
