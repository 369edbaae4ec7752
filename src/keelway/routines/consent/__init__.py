"""Who has to agree: the owners of touched paths, and a person before a deploy."""
