"""Stacks: how high cells lie in them, and planes that are drawn instead of taken."""
