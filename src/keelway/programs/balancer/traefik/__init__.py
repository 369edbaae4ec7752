"""Drive Traefik."""
