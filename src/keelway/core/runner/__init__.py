"""Test runners as data: how each is recognised, told to fail, read, and asked for a part."""
