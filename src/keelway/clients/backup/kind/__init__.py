"""Every kind of data: how it is copied, proven, counted and put back."""
