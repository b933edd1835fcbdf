"""How harmful light of one wavelength is against light of another."""

from __future__ import annotations

UV_NM = 385.0
"""Line that harm is counted in: damage is J/cm2 of this light that would harm as much."""

DECADE_NM = 70.0
"""Harm falls tenfold for each 70 nm; proposed fit to the two ends that are known, 50 J/cm2 at
405 nm against more than 1e5 at 640 nm (Waldchen et al., Sci. Rep. 5, 15348 (2015)). The simulated
cells are given 60 nm, which tells visible light kinder: a budget takes the more careful number."""

KNOWN_TO_NM = 640.0
"""Beyond it nothing was measured: light is taken for as harmful as here."""


def action_weight(wavelength_nm: float) -> float:
    """Return how harmful light is against the same dose of the UV line; 1 there.

    Harm by light of several lines is the sum of their doses times these weights; doses themselves
    are never added up. Repair is left out, and so is intensity: the sum is meant as a bound.
    """
    return float(10.0 ** ((UV_NM - min(wavelength_nm, KNOWN_TO_NM)) / DECADE_NM))
