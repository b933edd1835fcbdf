"""Images of other programs, as a run file."""
