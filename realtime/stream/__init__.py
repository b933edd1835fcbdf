"""Behind the hub: who listens, what each is owed, and how it travels between processes."""
