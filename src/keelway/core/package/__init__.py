"""Packages of an index: how they are named, declared and licensed, and which of them a plan may bring in."""
