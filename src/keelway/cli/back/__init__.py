"""The terminal's verbs of the way back."""
