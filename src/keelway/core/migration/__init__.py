"""Migrations: whether what one does to a schema and to data can be taken back."""
