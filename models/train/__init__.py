"""Training, from the command line: `python -m models.train denoise`. Needs torch."""
