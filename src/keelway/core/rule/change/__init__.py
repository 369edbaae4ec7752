"""What the changed lines of a patch do to the safety of a program, read by published idioms of each language."""
