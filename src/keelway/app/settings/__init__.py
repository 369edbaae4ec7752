"""What is wrong with settings that can be read."""
