"""Speak to a container engine, Docker or Podman, through the Docker API."""
