"""What runs on the host for certificates."""
