"""How a training went, in plain words and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.train.fit import Look

_LEVEL = 0.01
"""Held-out losses that differ by less are the same (proposed): nat per pixel."""
_STILL = 0.8
"""The best look in the last fifth means: it was still getting better."""
_WIDTH, _HEIGHT, _MARGIN = 640, 320, 48


def verdict(looks: Sequence[Look]) -> str:
    """Say whether the network learnt its training images by heart."""
    if not looks:
        return "no look at the held-out part: the training was too short to say anything"
    best = min(range(len(looks)), key=lambda k: looks[k].held_out_nll)
    step = looks[best].step
    rise = looks[-1].held_out_nll - looks[best].held_out_nll
    fall = looks[best].train_nll - looks[-1].train_nll
    if rise > _LEVEL and fall > 0.0:
        return (
            f"over-fit after step {step}: from there on the training loss fell by {fall:.3f} and "
            f"the held-out loss rose by {rise:.3f}; the weights of step {step} are kept. More "
            "recordings would help, more training would not"
        )
    if rise > _LEVEL:
        return (
            f"no over-fit, but unsteady: the held-out loss was lowest at step {step}, whose "
            "weights are kept; a lower rate may help"
        )
    if best >= _STILL * (len(looks) - 1) and len(looks) > 2:
        return "no over-fit: the held-out loss was still falling, so longer training may help"
    return f"no over-fit: the held-out loss levelled off at step {step}"


def curve_svg(looks: Sequence[Look], title: str) -> str:
    """Draw training and held-out loss over the steps, as SVG text."""
    lines = {
        "training": ("#999999", [(look.step, look.train_nll) for look in looks]),
        "held out": ("#0072b2", [(look.step, look.held_out_nll) for look in looks]),
    }
    points = [point for _, line in lines.values() for point in line]
    if not points:
        points = [(0, 0.0)]
    last = max(max(x for x, _ in points), 1)
    low, high = min(y for _, y in points), max(y for _, y in points)
    span = max(high - low, 1e-6)

    def place(x: float, y: float) -> str:
        across = _MARGIN + (_WIDTH - 2 * _MARGIN) * x / last
        return f"{across:.1f},{_MARGIN + (_HEIGHT - 2 * _MARGIN) * (high - y) / span:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_MARGIN}" y="24">{_escaped(title)}: loss per pixel, lower is better</text>',
        f'<text x="4" y="{_MARGIN + 4}">{high:.3f}</text>',
        f'<text x="4" y="{_HEIGHT - _MARGIN + 4}">{low:.3f}</text>',
        f'<text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 16}" text-anchor="end">step {last}</text>',
    ]
    for row, (name, (colour, line)) in enumerate(lines.items()):
        path = " ".join(place(x, y) for x, y in line)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        parts.append(
            f'<text x="{_WIDTH - _MARGIN}" y="{24 + 16 * row}" text-anchor="end" '
            f'fill="{colour}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
