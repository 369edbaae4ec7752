"""The reverse proxy that keeps the port while releases change behind it."""
