"""Source of other languages as words, so that rules neither believe comments nor overlook strings."""
