"""Training on a user's own recordings: which images make examples, and what is done to them."""
