"""Restoring in process: real files, tar and zstd, and a Docker that keeps containers."""
