"""Restoring a backup: unpacked alongside, swapped in, undone where the application does not get healthy on it."""
