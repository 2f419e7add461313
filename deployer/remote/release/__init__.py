"""Releases on the host."""
