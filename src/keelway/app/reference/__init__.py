"""Write reference pages from the code that they describe."""
