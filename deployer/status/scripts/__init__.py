"""What runs on the host for status and logs."""
