"""One test class per port; fakes and adapters pass the same."""
