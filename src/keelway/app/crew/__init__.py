"""How a process takes part in the work of many: its seat, and what follows a task from host to host."""
