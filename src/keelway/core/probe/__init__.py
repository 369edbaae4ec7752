"""What is asked of a running application, and which answers are good."""
