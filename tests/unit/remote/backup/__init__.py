"""Backups on the host, in process."""
