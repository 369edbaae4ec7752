"""Who runs the executables of a project."""
