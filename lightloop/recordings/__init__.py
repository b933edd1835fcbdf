"""Recordings of any origin, as images in order of time and the camera that took them."""
