"""Off-site snapshots on the host, in process, with the real restic."""
