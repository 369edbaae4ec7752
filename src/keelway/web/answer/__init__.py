"""The page behind a link that carries one answer."""
