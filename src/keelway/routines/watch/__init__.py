"""What watching a release is made of."""
