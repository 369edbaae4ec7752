"""Sign with a key of our own, and check what was signed: DSSE envelopes, ed25519."""
