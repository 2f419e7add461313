"""Drills: a backup is tested by restoring it into a throwaway copy on the same host."""
