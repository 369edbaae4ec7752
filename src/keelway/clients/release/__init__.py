"""What targets have in common: records of releases, schemas that move, one thing at a time."""
