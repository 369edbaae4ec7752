"""Processes that run beside the control plane and outlive its restarts."""
