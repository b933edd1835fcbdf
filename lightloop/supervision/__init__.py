"""The processes of a run from outside: how they start, are watched, and end in the dark."""
