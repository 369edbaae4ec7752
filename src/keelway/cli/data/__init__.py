"""The data of the application: list, take and prove backups."""
