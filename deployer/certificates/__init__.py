"""The certificate: how long the installed one lasts, and its renewal."""
