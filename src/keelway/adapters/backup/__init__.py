"""How application data is saved and brought back."""
