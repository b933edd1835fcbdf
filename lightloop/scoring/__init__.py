"""`lightloop score`: how right tracks are, from whatever file they come."""
