"""What roles besides planner and developer do: look things up without a model, review what was made."""
