"""The data of the application: which backups are kept."""
