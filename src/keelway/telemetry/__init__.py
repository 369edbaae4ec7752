"""What an operator sees from outside: logs, figures and spans."""
