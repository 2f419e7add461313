"""Off-site snapshots: one for each complete backup, in a restic repository elsewhere."""
