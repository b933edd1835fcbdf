"""The photon transfer plot: one page of HTML that needs nothing else to be looked at."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from acquire.calibrating.calibration_records import CameraCalibration
    from acquire.calibrating.camera_numbers import CameraNumbers

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 20, 50

_DASHED = 'stroke-dasharray="5 4"'
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 720px; margin: 2em auto; color: #222; }
table { border-collapse: collapse; } td { padding: 2px 16px 2px 0; vertical-align: top; }
td:first-child { color: #666; } .doubt { color: #a40000; } svg { width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: #444; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd; }
td:first-child { color: #999; } svg text { fill: #bbb; } .doubt { color: #ff7b72; } }
"""


def transfer_page(name: str, found: CameraCalibration) -> str:
    """Return the page of a camera calibration."""
    numbers = found.numbers
    key = found.key
    mode = ", ".join(
        word
        for word in (
            key.model,
            key.serial and f"serial {key.serial}",
            key.readout_mode,
            key.bit_depth and f"{key.bit_depth} bits",
            key.gain,
            key.binning and f"binning {key.binning}",
        )
        if word
    )
    rows = "".join(
        f"<tr><td>{escape(what)}</td><td>{escape(value)}</td></tr>"
        for what, value in table_of(numbers)
    )
    doubts = "".join(f'<p class="doubt">{escape(doubt)}</p>' for doubt in numbers.doubts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(name)}</h1><p>{escape(mode)}; {escape(found.date)}</p>"
        f"{doubts or '<p>Its noise is that of light: networks may be trusted with it.</p>'}"
        f"{_transfer_plot(found)}{_residual_plot(found)}<table>{rows}</table></html>\n"
    )


def table_of(numbers: CameraNumbers) -> list[tuple[str, str]]:
    """Return a camera's numbers as a person reads them: what, and how much."""
    n = numbers
    light, dark = n.in_light, n.in_dark
    is_said = n.saturation_is_measured or "not reached" in n.saturation_why
    reached = "" if is_said else " (not reached)"
    current = "not measured" if n.dark_current_e_s is None else f"{n.dark_current_e_s:.3g} e-/s"
    bent = "not measured" if n.nonlinearity is None else f"{n.nonlinearity:.2%} at most"
    excess = f"{n.excess_noise_factor:.2f}"
    if n.excess_noise_error is not None:
        excess += f" ± {n.excess_noise_error:.2f}"
    return [
        ("gain", f"{n.gain_adu_per_e:.4g} ADU/e- (± {n.gain_error:.2%})"),
        ("offset", f"{n.offset_adu:.2f} ADU; pixels differ by {n.offset_spread_e:.2g} e- rms"),
        ("read noise", f"{n.read_noise_e:.3g} e- rms; median {n.read_noise_median_e:.3g} e-"),
        ("saturation", f"{n.saturation_adu:.0f} ADU, {n.full_well_e:.4g} e-{reached}: "
                       f"{n.saturation_why}"),
        ("excess noise factor", excess),
        ("nonlinearity", bent),
        ("noise off the line", f"{n.misfit:.1%} at most"),
        ("neighbours, in light", f"x {light.along_x:+.3f}, y {light.along_y:+.3f}, diagonal "
                                 f"{light.diagonal:+.3f}, in time {light.in_time:+.3f}"),
        ("neighbours, in the dark", f"x {dark.along_x:+.3f}, y {dark.along_y:+.3f}, diagonal "
                                    f"{dark.diagonal:+.3f}, in time {dark.in_time:+.3f}"),
        ("pixels in light", f"differ by {n.response_spread:.2%}, flat field and all; own gains by "
                            f"{n.gain_spread:.1%}"),
        ("dark current", current),
        ("hot and dead pixels", str(n.bad_pixels)),
        ("frames", f"{n.n_dark} dark, {n.n_flat} flat"),
    ]  # fmt: skip


def _transfer_plot(found: CameraCalibration) -> str:
    """Draw variance against signal, both logarithmic, with the line that was fitted."""
    numbers = found.numbers
    points = [(lv.mean_adu, lv.variance_adu2) for lv in found.levels if _are_positive(lv)]
    if not points:
        return ""
    slope = numbers.gain_adu_per_e * numbers.excess_noise_factor
    dark = (numbers.read_noise_e * numbers.gain_adu_per_e) ** 2
    low, high = min(x for x, _ in points) / 2, max(x for x, _ in points) * 2
    xs = [low * (high / low) ** (k / 60) for k in range(61)]
    line = [(x, slope * x + dark) for x in xs]
    top, bottom = max(y for _, y in line + points), min([dark, *(y for _, y in points)])
    across, up = _log_axis(low, high, LEFT, WIDTH - RIGHT), _log_axis(
        bottom / 1.5, top * 1.5, HEIGHT - BOTTOM, TOP
    )  # fmt: skip
    return _figure(
        "signal, ADU above dark",
        "variance, ADU²",
        [
            *_log_grid(low, high, bottom / 1.5, top * 1.5, across, up),
            *_marks_of(numbers, low, high, dark, bottom, across, up),
            _path([(across(x), up(y)) for x, y in line], "#999"),
            *(_dot(across(x), up(y)) for x, y in points),
        ],
    )


def _marks_of(
    numbers: CameraNumbers, low: float, high: float, dark: float, bottom: float,
    across: Callable[[float], float], up: Callable[[float], float],
) -> list[str]:  # fmt: skip
    """Mark what ends the line on either side: saturation and read noise."""
    marks = []
    full = numbers.saturation_adu - numbers.offset_adu
    if numbers.saturation_is_measured and low < full < high:
        x = across(full)
        marks.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#d97706" {_DASHED}/>')
        marks.append(f'<text x="{x - 6:.1f}" y="{TOP + 14}" text-anchor="end">saturation</text>')
    if dark > bottom / 1.5:
        y = up(dark)
        marks.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#d97706" {_DASHED}/>')
        marks.append(f'<text x="{LEFT + 6}" y="{y - 6:.1f}">read noise</text>')
    return marks


def _residual_plot(found: CameraCalibration) -> str:
    """Draw how far each level lies from the line, per cent, up to saturation."""
    numbers = found.numbers
    slope = numbers.gain_adu_per_e * numbers.excess_noise_factor
    dark = (numbers.read_noise_e * numbers.gain_adu_per_e) ** 2
    points = [
        (lv.mean_adu, 100 * (lv.variance_adu2 / (slope * lv.mean_adu + dark) - 1))
        for lv in found.levels
        if _are_positive(lv) and lv.mean_adu < 0.7 * (numbers.saturation_adu - numbers.offset_adu)
    ]
    if not points:
        return ""
    low, high = min(x for x, _ in points) / 2, max(x for x, _ in points) * 2
    most = max(1.0, *(abs(y) for _, y in points)) * 1.2
    across = _log_axis(low, high, LEFT, WIDTH - RIGHT)
    middle = (TOP + HEIGHT - BOTTOM) / 2

    def up(y: float) -> float:
        return middle - y / most * (HEIGHT - BOTTOM - TOP) / 2

    ticks = [f'<text x="{LEFT - 8}" y="{up(y) + 4:.1f}" text-anchor="end">{y:.1f}</text>'
             for y in (-most / 1.2, 0.0, most / 1.2)]  # fmt: skip
    return _figure(
        "signal, ADU above dark",
        "variance off the line, %",
        [
            *_decades(low, high, across),
            *ticks,
            _path([(across(low), middle), (across(high), middle)], "#999"),
            *(_dot(across(x), up(y)) for x, y in points),
        ],
    )


def _are_positive(level: object) -> bool:
    return getattr(level, "mean_adu", 0.0) > 0 and getattr(level, "variance_adu2", 0.0) > 0


def _log_axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    def place(value: float) -> float:
        return start + (end - start) * math.log(value / low) / math.log(high / low)

    return place


def _log_grid(
    low: float,
    high: float,
    bottom: float,
    top: float,
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> list[str]:
    marks = _decades(low, high, across)
    for power in range(math.ceil(math.log10(bottom)), math.floor(math.log10(top)) + 1):
        y = up(10.0**power)
        marks.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#8884"/>')
        marks.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>')
    return marks


def _decades(low: float, high: float, across: Callable[[float], float]) -> list[str]:
    marks = []
    for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        x = across(10.0**power)
        marks.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#8884"/>')
        marks.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">1e{power}</text>'
        )
    return marks


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#3b82f6" fill-opacity="0.75"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{steps}" stroke="{colour}" fill="none" stroke-width="1.5"/>'


def _figure(below: str, beside: str, marks: Iterable[str]) -> str:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{beside} against {below}">'
        f"{''.join(marks)}"
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{below}'
        f'</text><text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        f"{beside}</text></svg>"
    )
