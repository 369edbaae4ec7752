"""Play a recorded script as a real Agent Client Protocol agent, the same way every time."""
