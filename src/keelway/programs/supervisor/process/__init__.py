"""Single processes: how they are identified, started, watched and ended."""
