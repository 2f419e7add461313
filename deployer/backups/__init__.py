"""Backups: which there are, making, restoring and proving them, and their copies off-site."""
