"""The backend's package: Dockerfile.backend copies src/ and the server script apart, as the real one does."""
