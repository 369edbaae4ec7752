"""What stages must know of targets that are not processes of this machine."""
