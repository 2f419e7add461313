"""Plugins of the test run: samples of long matrices, the ledger of whole runs, and what a run cost."""
