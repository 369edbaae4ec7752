"""The lessons of the ledger, and the search in them."""
