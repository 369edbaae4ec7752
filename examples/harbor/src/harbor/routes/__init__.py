"""Answer requests: one file per noun, each with its shapes, its SQL and its routes."""
