"""The load with which an update proves that it drops no request: `with traffic(address, certificates, directory)`.

A process of its own (`python -m tests.support.traffic`), so that it loses no turn to the test beside it: sixteen quick
clients, slow POSTs, a long poll and a WebSocket. Nothing is ever asked twice: what gets no answer has failed.
"""
