"""What runs on the host for backups: bash and Python, put together with one host's parameters."""
