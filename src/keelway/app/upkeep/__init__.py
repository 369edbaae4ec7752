"""Look after an installation: schemas, backups, a check of the store, retention and clean-up."""
