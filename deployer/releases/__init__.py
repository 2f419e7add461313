"""Releases: the log, images, what serves, the roll-out, the latest commit, rollback, capacity."""
