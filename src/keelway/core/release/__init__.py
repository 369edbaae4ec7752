"""The way back, decided before it is needed."""
