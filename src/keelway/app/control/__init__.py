"""Begin, keep and end a control plane."""
