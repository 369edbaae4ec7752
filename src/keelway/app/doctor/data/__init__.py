"""Whether the data of the application can be backed up."""
