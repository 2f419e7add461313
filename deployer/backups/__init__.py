"""Backups: which there are; making, restoring and testing them; their off-site snapshots."""
