"""A run played again: at which pace, which documents of it, and whether it decides the same."""
