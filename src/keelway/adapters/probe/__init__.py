"""One health question to a running application."""
