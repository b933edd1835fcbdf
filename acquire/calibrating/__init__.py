"""Measuring a camera and a light: photon transfer, power curves, and the files that keep them."""

from __future__ import annotations
