"""PostgreSQL: its container, its data, and the password of the application's role."""
