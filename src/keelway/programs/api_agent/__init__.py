"""Work as a coding agent with a model of any provider: the agent for users who have an API key only."""
