"""The parts of the ledger, one noun each."""
