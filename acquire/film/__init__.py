"""A camera that shows recorded frames, so that a whole run works on images from before."""

from acquire.film.reel import Reel

__all__ = ["Reel"]
