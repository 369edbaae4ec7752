"""What a rollback aims at."""
