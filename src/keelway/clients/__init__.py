"""Thin input and output: the only rooms with processes, sockets and files."""
