"""The nouns: frozen values and the lifecycle table."""
