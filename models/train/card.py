"""Write the card of a model package: what it is for, what it learnt from, how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.package import Manifest

_HEAD = """# {name}, version {version}

Restores single fluorescence frames: raw counts in, photo-electrons and their standard error out.

- **Network**: LiteUNet-R2, base {base}, 3 levels, {parameters} parameters, {in_frames} frame in.
- **Input**: generalised Anscombe transform with the camera's calibration, then
  `(d - {mu:g}) / {sd:g}`, the same for every frame. Output: correction of
  the smoothed `d` (Gaussian, sigma {smooth_px:g} px), log-variance.
- **Output**: `photons = (m^2 + v) / 4 - 3/8 - read_noise^2` of the estimated mean m and variance v.
- **Trained for** {photons_min_e:g} to {photons_max_e:g} photo-electrons per pixel, read noise 0 to
  4 e-, images blurred by 0.4 px (sigma) or more.
- **Not for**: brightfield, noise that is correlated between pixels, unknown gain and offset.
- **Made by**: `{command}`

It may lower the light only while its residuals look like camera noise (`models.residuals`).
"""


def write_card(manifest: Manifest, parameters: int, scores: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    values = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    parts = [_HEAD.format(**values, parameters=parameters)]
    parts.append(
        "## Simulated specimens that it never saw\n\n"
        "Camera: 2 ADU/e-, read noise 1.4 e-. PSNR in dB, range 0.1 to 99.9 percentile of the "
        "truth; the Gaussian has the best width for each image. `within 1 sd`: 0.68 is right.\n"
    )
    parts.append(_table(scores["simulated"]))
    parts.append("\n## Nuclei alone, in sparing light\n")
    parts.append(_table(scores["nuclei"]))
    parts.append("\n## Sharp cells: blurred by 0.4 to 1.6 px, mitoses among them\n")
    parts.append(_table(scores["cells"]))
    parts.append("\n## Photometric bias by true intensity\n")
    parts.append(_table(scores["bias"]))
    if scores.get("real"):
        parts.append(
            "\n## Real images that it never saw\n\n"
            "PSNR in dB after a gain and offset fit per image; the 8-bit sets have no calibration, "
            "so gain and offset were estimated blindly from each noisy image.\n"
        )
        parts.append(_table(scores["real"]))
    parts.append("\n## Learnt from\n\nSimulated specimens (`models/train/scenes.py`) and:\n")
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
