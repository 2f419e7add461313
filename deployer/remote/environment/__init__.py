"""The application's environment on the host."""
