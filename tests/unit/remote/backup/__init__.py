"""Making and verifying backups, in process, with real files, tar, zstd and SQLite."""
