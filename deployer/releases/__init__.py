"""Releases: the log, the roll-out, the latest commit, the way back, and whether the host has room for one."""
