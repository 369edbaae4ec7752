"""Bound what a run uses up, and give its files back."""
