"""`lightloop train` and `lightloop kinds`: what is learnt from a person's own recordings."""
