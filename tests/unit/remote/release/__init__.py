"""The roll-out of a release, in process."""
