"""Keeps releases running while the control plane restarts, and adopts what still lives."""
