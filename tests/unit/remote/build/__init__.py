"""Images of a release, in process."""
