"""Backups on the host: made of one instant, verified, kept for as long as the settings say."""
