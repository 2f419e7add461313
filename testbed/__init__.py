"""The test bed: throwaway servers, and what they need around them, on this machine.

A host is a container of the machine's Docker engine that boots systemd, sshd, sudo and apt as a fresh
server does. What it would fetch from the internet comes from services beside it (a registry, an apt cache,
a git server), so that the host tests run the same with and without a container registry in reach. ``Bed``
in `bed.py` is where to start.
"""
