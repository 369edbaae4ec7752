"""How far a set-up of agent, model and prompts is trusted: earned by releases that hold, lost by those that do not."""
