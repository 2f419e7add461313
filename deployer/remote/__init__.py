"""What runs on the host while a run lasts: the session that holds the lock, and the jobs that outlive a connection."""
