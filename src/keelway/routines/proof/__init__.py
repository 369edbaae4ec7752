"""Parts of the judge's evidence that need a look outside."""
