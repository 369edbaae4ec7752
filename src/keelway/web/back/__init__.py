"""The API of the way back."""
