"""`lightloop check`: what can be refused, and foretold in words, before any light is given."""
