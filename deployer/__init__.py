"""Bring a bare server to a verified HTTPS deployment, and keep it there."""
