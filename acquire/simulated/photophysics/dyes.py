"""Fluorophores: how strongly they absorb, how long they stay excited, how soon they bleach."""

from __future__ import annotations

PLANCK_J_S = 6.62607015e-34  # exact, SI 2019
LIGHT_CM_S = 2.99792458e10  # exact, SI 2019
CROSS_SECTION_PER_EXTINCTION = 3.82e-21  # cm2 per 1/(M cm): ln(10) * 1000 / Avogadro

EGFP_EXTINCTION = 56_000.0  # 1/(M cm) at 488 nm, fpbase.org/protein/egfp
# Chance that an excitation bleaches: ln 2 / 174 s at 1000 emitted photons/s and yield 0.6, after
# the half-life of EGFP in Shaner et al., Nat. Methods 2, 905 (2005).
EGFP_BLEACH_YIELD = 2.4e-6
EGFP_LIFETIME_NS = 2.6  # of the excited state, fpbase.org/protein/egfp


def cross_section_cm2(extinction: float) -> float:
    """Return the absorption cross section of a dye from its molar extinction, 1/(M cm)."""
    return CROSS_SECTION_PER_EXTINCTION * extinction


def photon_flux(irradiance_w_cm2: float, wavelength_nm: float) -> float:
    """Return photons per second and cm2."""
    return irradiance_w_cm2 * wavelength_nm * 1e-7 / (PLANCK_J_S * LIGHT_CM_S)


def excitation_rate_hz(irradiance_w_cm2: float, wavelength_nm: float, extinction: float) -> float:
    """Return how often weak light excites a fluorophore, per second."""
    return cross_section_cm2(extinction) * photon_flux(irradiance_w_cm2, wavelength_nm)


def bleach_dose_j_cm2(
    wavelength_nm: float,
    extinction: float = EGFP_EXTINCTION,
    bleach_yield: float = EGFP_BLEACH_YIELD,
) -> float:
    """Return the dose that leaves 1/e of the fluorophores, J/cm2."""
    return 1.0 / (bleach_yield * excitation_rate_hz(1.0, wavelength_nm, extinction))


def saturation_w_cm2(wavelength_nm: float, extinction: float, busy_ns: float) -> float:
    """Return the irradiance at which a fluorophore is excited half as often as weak light tells.

    It cannot be excited while it is busy: I_s = h c / (lambda sigma tau), so that the rate at I is
    the weak-light rate over 1 + I / I_s (a two-state dye in its steady state).

    Parameters
    ----------
    busy_ns
        Mean time from an excitation until the next is possible, ns: the lifetime of the excited
        state, and on top of it the mean time in dark states.
    """
    return 1e9 / (busy_ns * excitation_rate_hz(1.0, wavelength_nm, extinction))
