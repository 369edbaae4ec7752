"""Keeps releases running while the control plane restarts."""
