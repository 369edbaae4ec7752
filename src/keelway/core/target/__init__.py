"""Where releases run, as data: kinds of targets, their settings, and what their answers mean."""
