"""Every sentence that a person reads, made from values; text from outside stays visibly quoted."""
