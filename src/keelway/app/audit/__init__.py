"""Prove what happened: sign the end of the record, attest gates and releases, list what a release holds."""
