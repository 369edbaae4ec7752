"""Fakes and conformance tests, public for adapter authors."""
