"""The host program, in process."""
