"""`lightloop track`: the cells of a recording, followed as a run would have."""
