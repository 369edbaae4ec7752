"""What can be known about an application and its packages without asking a model: pure readers and rankers."""
