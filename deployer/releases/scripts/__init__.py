"""What runs on the host for releases."""
