"""What more or less light makes of a cell's SNR: the noise of photons and of reading them."""

from __future__ import annotations

import math


def light_factor(
    target_snr: float, snr: float, signal_e: float, background_e: float, read_noise_e: float
) -> float:
    """Return the factor of light that brings a cell from `snr` to `target_snr`.

    Signal and background grow with the light k, read noise does not:
    ``SNR(k)^2 = A k^2 S^2 / (k (S + B) + r^2)``, with the cell's area A from the SNR now. Solved
    for SNR(k) = target, with ``q = snr^2 (S + B + r^2)``:
    ``k = (T^2 (S + B) + sqrt(T^4 (S + B)^2 + 4 q T^2 r^2)) / (2 q)``.

    Parameters
    ----------
    target_snr, snr
        As wanted, and as seen; both > 0.
    signal_e, background_e, read_noise_e
        Photo-electrons a pixel; signal > 0.

    References
    ----------
    The noise is that of `realtime.detections.snr_of_mean`; its solution for the light is our own.
    """
    light = signal_e + max(background_e, 0.0)
    dark = read_noise_e**2
    q = snr**2 * (light + dark)
    wanted = target_snr**2
    return (wanted * light + math.sqrt((wanted * light) ** 2 + 4 * q * wanted * dark)) / (2 * q)


def powers(signal_e: float, background_e: float, read_noise_e: float) -> tuple[float, float]:
    """Return with which powers of brightness, and of light, the SNR grows.

    ``SNR^2 = A S^2 / (S + B + r^2)``, its logarithm derived by that of the brightness, which is in
    S alone, and of the light, which is in S and B: from 1/2 (photons' noise) to 1 (read noise).
    """
    light = signal_e + max(background_e, 0.0)
    noise = light + read_noise_e**2
    return 1.0 - 0.5 * signal_e / noise, 1.0 - 0.5 * light / noise


def snr_before(
    target_snr: float, factor: float, signal_e: float, background_e: float, read_noise_e: float
) -> float:
    """Return the SNR of cells that need `factor` times their light: `light_factor` the other way.

    Signal and background are those of the light that was given.
    """
    light, dark = signal_e + max(background_e, 0.0), read_noise_e**2
    return target_snr * math.sqrt((factor * light + dark) / (light + dark)) / factor
