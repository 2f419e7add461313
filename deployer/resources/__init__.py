"""Questions and changes that several steps share: files, packages, services, Docker, programs of cron."""
