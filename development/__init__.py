"""What `invoke release` and `invoke coverage` do; no part of the installed package."""
