"""The tongues of the model providers, one file each."""
