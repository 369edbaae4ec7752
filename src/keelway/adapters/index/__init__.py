"""Where packages are looked up."""
