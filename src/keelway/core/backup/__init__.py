"""Backups as values: what was copied, what a restore would lose, what may go, how alike two states are."""
