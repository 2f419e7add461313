"""What several steps ask of a host and bring in order: files, packages, services, Docker."""
