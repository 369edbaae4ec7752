"""Carry out the steps in which a strategy says how traffic moves."""
