"""The sample of a run: what light it has had, in which runs, and what it may still have."""
