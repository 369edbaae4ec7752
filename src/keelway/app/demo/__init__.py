"""Walk the whole story on the sample application, with real processes, and check what it claims."""
