"""Copy, check and put back data of every kind, by the means that its own makers provide."""
