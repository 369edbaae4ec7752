"""How answers look in a terminal, a pipe and a log."""
