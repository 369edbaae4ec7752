"""Programs of a cage: run by path with nothing but the standard library, on either side of the fence."""
