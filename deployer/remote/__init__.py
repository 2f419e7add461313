"""The host program: what runs on a host, for the commands and for cron. It imports nothing else of `deployer`.

It is one file on the host, remote.pyz, with its settings beside it in remote.json. Python 3.10 (Ubuntu 22.04) or later,
and nothing but the standard library.
"""
