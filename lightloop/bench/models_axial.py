"""Every other plane of a stack is skipped: the network against our own denoiser and a spline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lightloop.bench import models_axial_stacks as simulate
from lightloop.bench import models_rivals as rivals
from lightloop.bench.models_nets import denoisers, spoiled
from lightloop.bench.models_score import Interval, db, paired
from models.axial import AxialInterpolator
from models.axial_check import AxialCheck, PlaneError
from models.blind_noise import estimate
from models.denoise import Denoiser
from models.train.noisy import expose
from models.train.real_stacks import GAP, SETS, TRAIN_SHARE
from models.train.score import GAIN, OFFSET, READ_E, to_adu
from models.train.volumes import LAYERS_PER_DEPTH_OF_FIELD, make_stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from lightloop.bench.models_sets import Camera
    from models.package import Package

    Stack = NDArray[np.float64]
    Counts = NDArray[np.integer[Any]]

LIGHTS_E = (5.0, 20.0, 100.0)
NOISE_FREE_E = 200.0
"""Peak light of the stacks, and of those that have no noise at all."""
STACKS, SIDE_PX = 8, 128
_SEED = 9_201
_SIMULATED: Camera = (GAIN, OFFSET, READ_E)
MICROSCOPE_STACKS, MICROSCOPE_UM = 3, (0.5, 1.0)
"""Number and distances of neighbouring planes of the stacks from the simulated microscope."""
_REAL_PLANES, _CHECKS = 6, 4
_CHECKED = (-2, 2)
"""Which skipped planes of a simulated stack with noise are taken and checked, as a run does."""
_AROUND: tuple[int, ...] = (-3, -1, 1, 3)


class Row(NamedTuple):
    """One kind of stack: the rival's dB, the network's, and the gain.

    `kind` is "noise-free" or "noisy" where the middle plane is known, "real" where it was taken.
    `raw_db` is the better of linear and cubic of planes that nobody denoised, where none is noisy.
    """

    name: str
    rival_db: float
    network_db: float
    gain: Interval
    kind: str = "noisy"
    raw_db: float = float("nan")


class Restorers:
    """The interpolator and the rival's denoiser, for one camera and one size."""

    def __init__(
        self, axial: Package, shape: tuple[int, int], camera: Camera, field_um: float
    ) -> None:
        own = denoisers()
        self._denoise = Denoiser(own.get("best", own["fast"]), shape, *camera)
        self._axial = AxialInterpolator(axial, shape, *camera, depth_of_field_um=field_um)

    def middle(
        self, planes: dict[int, NDArray[Any]], dz_um: float, *, sabotage: bool = False
    ) -> list[NDArray[Any]]:
        """Return the network's plane, and the rival's; ``planes`` lie at -3, -1, 1 and 3 steps."""
        clean = {}
        for away, adu in planes.items():
            self._denoise.forget()
            clean[away] = self._denoise(adu).photons.astype(float)
        outer = planes.get(-3), planes.get(3)
        answer = self._axial(planes[-1], planes[1], dz_um, 0.5, *outer).photons
        return [spoiled(answer, sabotage=sabotage), *rivals.between(clean)]

    def check(
        self, planes: Mapping[int, Counts], wanted: Iterable[int], dz_um: float, camera: Camera
    ) -> PlaneError:
        """Compare some planes of a stack with what is drawn there, as a run does now and then.

        Network and line count from then on as much as they say; that is returned.
        """
        gain, offset, read_noise_e = camera
        found, said = AxialCheck(), None
        self._axial.believe(None)
        for k in wanted:
            outer = planes.get(k - 3), planes.get(k + 3)
            self._axial(planes[k - 1], planes[k + 1], dz_um, 0.5, *outer)
            taken = ((planes[k] - offset) / gain).astype(np.float32)
            drawn = self._axial.candidates()
            said = found.add(taken, drawn.network, drawn.blend, read_noise_e, drawn.line)
        self._axial.believe(said)
        return PlaneError() if said is None else said

    def close(self) -> None:
        """Free both; may be called twice."""
        self._denoise.close()
        self._axial.close()


def simulated(axial: Package, stacks: int = STACKS, *, sabotage: bool = False) -> list[Row]:
    """Score stacks whose noise-free middle plane is known, of both simulators.

    Where planes are noisy, two others of the stack that could have been skipped are checked first,
    as in a run; where they are not, the network has only itself.
    """
    rng = np.random.default_rng(_SEED)
    made = [np.maximum(make_stack(rng, SIDE_PX), 0.0).astype(float) for _ in range(stacks)]
    net = Restorers(axial, (SIDE_PX, SIDE_PX), _SIMULATED, 1.0)
    rows = []
    for layers in (2, 4):
        step = layers / LAYERS_PER_DEPTH_OF_FIELD
        name = f"specimens, {step:g} depths of field a plane"
        rows += _rows(
            rng, net, name, [simulate.around(s, layers) for s in made], step, sabotage=sabotage
        )
    net.close()
    for step_um in MICROSCOPE_UM:
        rows += _microscope(rng, axial, step_um, min(stacks, MICROSCOPE_STACKS), sabotage=sabotage)
    return rows


def _rows(
    rng: np.random.Generator, net: Restorers, name: str, stacks: list[dict[int, Stack]],
    step_um: float, *, sabotage: bool,
) -> list[Row]:  # fmt: skip
    rows = []
    for light_e in (NOISE_FREE_E, *LIGHTS_E):
        parts, raw_parts, is_clear = [], [], light_e == NOISE_FREE_E
        for planes in stacks:
            photons = {away: 0.2 + light_e * plane for away, plane in planes.items()}
            adu = {
                away: to_adu(plane if is_clear else expose(rng, plane, READ_E).electrons)
                for away, plane in photons.items()
                if away != 0
            }
            net.check(adu, [] if is_clear else _CHECKED, 2 * step_um, _SIMULATED)
            around = {away: adu[away] for away in _AROUND if away in adu}
            images = net.middle(around, 2 * step_um, sabotage=sabotage)
            parts.append([db(image, photons[0]) for image in images])
            raw = {away: (plane.astype(float) - OFFSET) / GAIN for away, plane in around.items()}
            raw_parts.append([db(image, photons[0]) for image in rivals.between(raw)])
        light = "no noise" if is_clear else f"{light_e:g} e-"
        row = _row(f"{name}, {light}", parts, "noise-free" if is_clear else "noisy")
        if is_clear:
            row = row._replace(raw_db=float(np.mean(raw_parts, axis=0).max()))
        rows.append(row)
    return rows


def _row(name: str, parts: list[list[float]], kind: str) -> Row:
    """Compare the network (first) with the interpolation that is better for all stacks together."""
    ours, *theirs = np.array(parts).T
    rival = max(theirs, key=lambda each: float(each.mean()))
    return Row(name, float(rival.mean()), float(ours.mean()), paired(ours - rival), kind)


def _microscope(
    rng: np.random.Generator, axial: Package, step_um: float, stacks: int, *, sabotage: bool
) -> list[Row]:
    seen = simulate.microscope(step_um, stacks)
    net = Restorers(axial, (simulate.MICROSCOPE_PX,) * 2, _SIMULATED, seen.depth_of_field_um)
    name = f"microscope, NA {seen.aperture:g}, {step_um:g} um a plane"
    rows = _rows(rng, net, name, seen.stacks, step_um, sabotage=sabotage)
    net.close()
    return rows


def real(axial: Package, folder: Path, *, sabotage: bool = False) -> list[Row]:
    """Score recorded stacks, in the part of each that never trained.

    The skipped plane is noisy itself: its noise, as guessed blindly from the stack, is taken off.
    As in a run, four other planes that could have been skipped say how much the network counts.
    """
    import h5py

    rows = []
    for spec in SETS:
        with h5py.File(folder / spec.file, "r") as file:
            pixels = np.asarray(file[spec.array])
        kept = pixels[int(len(pixels) * TRAIN_SHARE) + GAP :]
        planes = kept if kept.ndim == 3 else kept[0]
        guess = estimate(planes)
        net = Restorers(axial, planes.shape[1:], guess.camera, 1.0)
        wanted, checked = _scored_and_checked(len(planes))
        said = net.check(dict(enumerate(planes)), checked, 2 * spec.step, guess.camera)
        parts = []
        for k in wanted:
            around = {away: planes[k + away] for away in _AROUND}
            images = net.middle(around, 2 * spec.step, sabotage=sabotage)
            truth = (planes[k].astype(float) - guess.offset_adu) / guess.gain_adu_per_e
            noise = max(float(np.mean(truth)), 0.0) + guess.read_noise_e**2
            parts.append([db(image, truth, noise) for image in images])
        net.close()
        name = f"{spec.file.removesuffix('.h5')}, {said.weight:.2f}, {said.line_weight:.2f}"
        rows.append(_row(name, parts, "real"))
    return rows


def _scored_and_checked(planes: int) -> tuple[list[int], list[int]]:
    """Return the planes of a stack by which the network is scored, and others that check it."""
    inner = np.arange(3, planes - 3)
    scored = sorted(
        {int(k) for k in inner[np.linspace(0, len(inner) - 1, _REAL_PLANES).astype(int)]}
    )
    left = np.array([k for k in range(1, planes - 1) if k not in scored])
    return scored, [int(k) for k in left[np.linspace(0, len(left) - 1, _CHECKS).astype(int)]]


def table_of(rows: list[Row]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", "axial: every other plane skipped; the rival is our own denoiser and the better of "
        "linear and cubic for all stacks of a row; numbers: what four other planes let network and "
        "line count; raw: the better of both, of planes without noise that nobody denoised", "",
        "| stacks | raw, dB | rival, dB | network, dB | gain, dB |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        raw = "" if np.isnan(row.raw_db) else f"{row.raw_db:.2f}"
        lines.append(
            f"| {row.name} | {raw} | {row.rival_db:.2f} | {row.network_db:.2f} | "
            f"{row.gain.words()} |"
        )
    return lines


def values_of(rows: list[Row]) -> dict[str, float]:
    """Return what the bars ask for: the worst row."""
    values = {}
    bars = {"models_axial_over_rival_db": "noise-free", "models_axial_real_db": "real"}
    for key, kind in bars.items():
        gains = [row.gain.mean for row in rows if row.kind == kind]
        if gains:
            values[key] = min(gains)
    return values
