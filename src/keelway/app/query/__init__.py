"""The parts of what may be asked: tasks, and the places where releases run."""
