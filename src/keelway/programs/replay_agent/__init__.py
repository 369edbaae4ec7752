"""A deterministic coding agent that plays a recorded script over the Agent Client Protocol."""
