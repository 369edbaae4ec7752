"""One life of the durable engine: DBOS under one name, from its launch until it is taken down."""
