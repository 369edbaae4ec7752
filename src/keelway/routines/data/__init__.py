"""Procedures about the data of the application."""
