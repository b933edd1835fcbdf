"""Colours by what they mean. Every text colour has a contrast of at least 4.5 on its ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3, normal text


@dataclass(frozen=True, slots=True)
class Theme:
    """A palette, as "#rrggbb".

    Attributes
    ----------
    window, panel, raised, line
        Grounds from the back to the front, and the hairlines between them.
    text, muted, faint
        What matters, what explains it, and what only has to be there (axes; never text).
    accent, good, warn, bad, alarm
        Grounds of badges and of marks; `on_warn` and `on_alarm` are the text on `warn` and
        `alarm`, `on_colour` on the rest. `bad` may always be there, as the ground of STOP LIGHT;
        `alarm` is what nobody may overlook.
    accent_text, good_text, warn_text, bad_text
        The same meanings as text on a ground.
    raw, denoised, snr, exposure, power, signal
        Curves and borders: raw is what the camera gave, denoised is what a network made of it.
    tracks
        Colours of the cells, by track id.
    grey_to
        Colour of the brightest pixel of an image, and of a clipped one.
    """

    name: str
    window: str
    panel: str
    raised: str
    line: str
    text: str
    muted: str
    faint: str
    accent: str
    good: str
    warn: str
    bad: str
    alarm: str
    on_colour: str
    on_warn: str
    on_alarm: str
    accent_text: str
    good_text: str
    warn_text: str
    bad_text: str
    raw: str
    denoised: str
    snr: str
    exposure: str
    power: str
    signal: str
    tracks: tuple[str, ...]
    grey_to: str
    saturated: str


DARK = Theme(
    name="dark",
    window="#101317",
    panel="#171b20",
    raised="#222830",
    line="#2e353f",
    text="#dfe5ec",
    muted="#97a2af",
    faint="#5a6572",
    accent="#1d4f91",
    good="#2e7d32",
    warn="#d29922",
    bad="#da3633",
    alarm="#da3633",
    on_colour="#ffffff",
    on_warn="#000000",
    on_alarm="#ffffff",
    accent_text="#79b0ff",
    good_text="#5fcf70",
    warn_text="#e3b341",
    bad_text="#ff8078",
    raw="#97a2af",
    denoised="#35c4b5",
    snr="#58c7f3",
    exposure="#ff9d6f",
    power="#c79bff",
    signal="#d8c95b",
    # Paul Tol, "Colour schemes", SRON/EPS/TN/09-002 issue 3.2: scheme "light".
    tracks=(
        "#77aadd",
        "#ee8866",
        "#eedd88",
        "#ffaabb",
        "#99ddff",
        "#44bb99",
        "#bbcc33",
        "#aaaa00",
        "#dddddd",
    ),
    grey_to="#ffffff",
    saturated="#ff00ff",
)

# For dark-adapted eyes: rods hardly see beyond 620 nm, so green and blue subpixels stay dark, but
# for the few pixels that clip. Where one shade must do, size, weight and line style tell things
# apart.
RED = Theme(
    name="red",
    window="#000000",
    panel="#080000",
    raised="#180000",
    line="#3d0000",
    text="#ff0000",
    muted="#f00000",
    faint="#800000",
    accent="#360000",
    good="#240000",
    warn="#f00000",
    bad="#360000",
    alarm="#ff0000",
    on_colour="#ff0000",
    on_warn="#000000",
    on_alarm="#000000",
    accent_text="#ff0000",
    good_text="#f00000",
    warn_text="#ff0000",
    bad_text="#ff0000",
    raw="#900000",
    denoised="#ff0000",
    snr="#ff0000",
    exposure="#ff0000",
    power="#c00000",
    signal="#ff0000",
    tracks=("#ff0000", "#d80000", "#b40000"),
    grey_to="#e00000",
    saturated="#ff6060",
)

THEMES = {theme.name: theme for theme in (DARK, RED)}


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of "#rrggbb", 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(front: str, back: str, share: float) -> str:
    """Return `share` of the front colour over the back colour."""
    parts = zip(rgb(front), rgb(back), strict=True)
    return "#" + "".join(f"{round(share * f + (1 - share) * b):02x}" for f, b in parts)


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Return the contrast ratio of two colours, 1 to 21.

    References
    ----------
    WCAG 2.2, definitions "contrast ratio" and "relative luminance".
    """
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def lookup(theme: Theme) -> NDArray[np.uint8]:
    """Return the colours of an image's 256 grey levels, (256, 3) uint8."""
    steps = np.linspace(0.0, 1.0, 256)[:, None]
    return np.asarray(np.round(steps * np.array(rgb(theme.grey_to))), np.uint8)


def _luminance(colour: tuple[int, int, int]) -> float:
    linear = [_linear(channel / 255) for channel in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
