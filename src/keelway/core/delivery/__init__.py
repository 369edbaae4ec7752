"""How well the way to production works: figures of deployments, and what is aimed at."""
