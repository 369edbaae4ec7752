"""The way back as people order and see it: targets, drills, locks, drift."""
