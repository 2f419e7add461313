"""A release on the host: its containers, the proxy's switch to them, what is kept of it, the way back."""
