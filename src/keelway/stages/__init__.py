"""The seven rooms of a task: one file, one public verb each."""
