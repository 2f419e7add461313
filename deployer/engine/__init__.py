"""Ask once, decide in pure code, then act: facts, changes, plans, the session that holds the lock, the jobs."""
