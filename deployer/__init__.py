"""Bring a bare server to a verified HTTPS deployment, and keep it there."""

__version__ = "0.1.0"
