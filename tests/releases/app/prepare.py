"""Make a fresh checkout runnable: nothing is needed."""
