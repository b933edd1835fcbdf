"""A run, told to a person."""
