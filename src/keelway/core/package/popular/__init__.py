"""Lists of names that many applications depend on, one file for each package world."""
