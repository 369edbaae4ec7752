"""What can be known about an application without asking a model: pure readers and rankers."""
