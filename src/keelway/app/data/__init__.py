"""The data of the application: which backups are kept, and whether they can be."""
