"""Write the card of a model package: what it is for, what it learnt from, how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.manifest import Manifest

_WHAT = {
    "denoise": "Restores fluorescence frames: raw counts in, photo-electrons and their standard "
    "error out.",
    "superres": "Restores frames at twice the resolution, as a camera with pixels half as wide "
    "would see them.\nFor looking at: it never decides on light.",
    "axial": "Restores a plane between two planes that were taken.\n"
    "For looking at: it never decides on light.",
}
_HEAD = """# {name}, version {version}

{what}

- **Network**: LiteUNet-R2, base {base}, 3 levels, {parameters} parameters, {eats} in.
- **Input**: generalised Anscombe transform with the camera's calibration, then
  `(d - {mu:g}) / {sd:g}`, the same for every frame. Output: correction of
  the smoothed `d` (Gaussian, sigma {smooth_px:g} px), log-variance.
- **Output**: `photons = (m^2 + v) / 4 - 3/8 - read_noise^2` of the estimated mean m and variance v.
- **Trained for** {photons_min_e:g} to {photons_max_e:g} photo-electrons per pixel, read noise 0 to
  4 e-, images blurred by 0.4 px (sigma) or more.
- **Not for**: brightfield, noise that is correlated between pixels, unknown gain and offset.
- **Made by**: `{command}`
"""
_GATE = """
It may lower the light only while its residuals look like camera noise (`models.residuals`).
"""
_CAMERA = (
    "Camera: 2 ADU/e-, read noise 1.4 e-. PSNR in dB, range 0.1 to 99.9 percentile of the truth"
)
_TABLES = (
    (
        "simulated",
        "Simulated specimens that it never saw",
        _CAMERA + "; the Gaussian has the best width for each image. `within 1 sd`: 0.68 is right.",
    ),
    ("movies", "Moving specimens", "The last frame of eight, 10 e- at the peak, px per frame."),
    ("nuclei", "Nuclei alone, in sparing light", ""),
    ("cells", "Sharp cells: blurred by 0.4 to 1.6 px, mitoses among them", ""),
    ("bias", "Photometric bias by true intensity", ""),
    (
        "superres",
        "Simulated specimens that it never saw",
        _CAMERA + ".\n`filter`: the best Gaussian or Wiener filter for each image.",
    ),
    (
        "axial",
        "Simulated stacks that it never saw, every other plane skipped",
        _CAMERA + ".\nThe rival: `denoise-2d`, then linear or cubic interpolation, whichever is "
        "better for each plane.",
    ),
    (
        "real",
        "Real images that it never saw",
        "PSNR in dB after a gain and offset fit per image; the 8-bit sets have no calibration, "
        "so gain and offset were estimated blindly from each noisy image.",
    ),
)


def write_card(manifest: Manifest, parameters: int, scores: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    values = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    images = "1 image" if manifest.in_frames == 1 else f"{manifest.in_frames} images"
    eats = ", ".join([images, *(f"`{name}`" for name in manifest.extra_channels)])
    what = _WHAT[manifest.task]
    parts = [_HEAD.format(**values, what=what, parameters=parameters, eats=eats)]
    if manifest.task == "denoise":
        parts.append(_GATE)
    for key, title, words in _TABLES:
        if scores.get(key):
            parts.append(f"\n## {title}\n" + (f"\n{words}\n" if words else ""))
            parts.append(_table(scores[key]))
    drawn = "models/train/volumes.py" if manifest.task == "axial" else "models/train/scenes.py"
    parts.append(f"\n## Learnt from\n\nSimulated specimens (`{drawn}`) and:\n")
    parts += [f"- {source}" for source in manifest.sources]
    return "\n".join(parts) + "\n"


def _table(rows: list[dict[str, Any]]) -> str:
    keys = list(rows[0])
    lines = ["| " + " | ".join(key.replace("_", " ") for key in keys) + " |"]
    lines.append("|" + " --- |" * len(keys))
    for row in rows:
        cells = (v if isinstance(v, str) else f"{v:.4g}" for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
