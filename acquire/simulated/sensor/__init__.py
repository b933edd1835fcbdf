"""From expected photo-electrons to counts: photon noise, read noise, pixel maps, readout."""

from __future__ import annotations
