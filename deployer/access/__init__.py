"""Logging in: the steps of `bootstrap` on a freshly installed server, the operator's keys, trust in host keys."""
