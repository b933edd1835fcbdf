"""The processes of a run, one file each. They share code, not memory, but for the rings."""
