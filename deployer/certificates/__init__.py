"""Certificates: the installed pair, when it is due, and its renewal."""
