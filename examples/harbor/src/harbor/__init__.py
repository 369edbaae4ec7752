"""Run the day of a small harbour: ships arrive, get a berth, and somebody is told."""
