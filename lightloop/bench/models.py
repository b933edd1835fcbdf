"""What the shipped networks are worth: against tuned rivals, on recorded and simulated images.

Recorded sets need `--data`; BM3D needs `pip install -e ".[bench-models]"`. Without them their
rows are missing, and so are their bars. Sabotage: what every network restores is blurred by 3 px,
and a tenth of its light is lost where photometry is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.bench import models_axial as axial
from lightloop.bench import models_bias as bias
from lightloop.bench import models_denoise as pairs
from lightloop.bench import models_esrrf as esrrf
from lightloop.bench import models_movies as movies
from lightloop.bench import models_nets as nets
from lightloop.bench import models_pictures as pictures
from lightloop.bench import models_speed as speed
from lightloop.bench import models_superres as superres
from lightloop.bench import models_transients as transients
from lightloop.bench.models_f1 import nucleus_f1
from lightloop.bench.report import Measured, Options

if TYPE_CHECKING:
    from collections.abc import Callable

    Part = tuple[dict[str, float], list[str]]


def run(options: Options) -> Measured:
    """Measure every part that has its network, and its data, here."""
    values: dict[str, float] = {}
    lines: list[str] = []
    for part in PARTS:
        found, rows = part(options)
        values |= found
        lines += rows
    return Measured(values, table="\n".join(lines))


def _speed(options: Options) -> Part:
    """Time the networks first, while nothing else runs."""
    roles = {"fast": nets.FAST, "best": nets.BEST, "superres": nets.SUPERRES, "axial": nets.AXIAL}
    shipped = {role: name for role, name in roles.items() if nets.find(name) is not None}
    frames = options.times(speed.FRAMES, least=5)
    names = list(shipped.values())
    denoise = [shipped[role] for role in ("fast", "best") if role in shipped]
    found = speed.here(names, "all of it", frames) + speed.with_avx2(denoise, frames)
    values, lines = speed.values_of(found, shipped), speed.table_of(found)
    losses = {role: speed.loss_db(package) for role, package in nets.denoisers().items()}
    int8 = [each["int8"] for each in losses.values() if "int8" in each]
    if len(int8) == len(losses):
        values["models_int8_loss_db"] = max(int8)
    words = [f"{role} {kind} {v:+.3f}" for role, e in losses.items() for kind, v in e.items()]
    return values, [*lines, "", f"dB lost against f32: {', '.join(words)}"]


def _pairs(options: Options) -> Part:
    if options.data is None:
        return {}, []
    from lightloop.bench.models_sets import load

    sets = [
        pairs.score(name, each[: options.times(len(each), least=1)], sabotage=options.sabotage)
        for name, each in load(options.data).items()
    ]
    pairs.add_bm3d(sets)
    return pairs.values_of(sets), pairs.table_of(sets)


def _movies(options: Options) -> Part:
    """Follow transients through every denoiser; memory is the best one's."""
    broken, values, lines = options.sabotage, dict[str, float](), list[str]()
    everything = []
    for role, package in nets.denoisers().items():
        seen = transients.simulated(package, sabotage=broken)
        if options.data is not None:
            seen += transients.recorded(package, options.data, sabotage=broken)
        everything += seen
        lines += transients.table_of(role, seen)
        if package.manifest.in_frames > 1:
            gains = movies.gains(package, options.times(movies.MOVIES, least=2), sabotage=broken)
            values |= movies.values_of(gains)
            lines += movies.table_of(role, gains)
    return values | transients.values_of(everything), lines


def _bias(options: Options) -> Part:
    values, lines, worst, valid = {}, [], [], []
    scenes = options.times(bias.SCENES, least=12)
    for role, package in nets.denoisers().items():
        bins = bias.score(package, scenes, sabotage=options.sabotage)
        worst += [max(abs(b.percent), abs(b.flat_percent)) for b in bins]
        valid.append(bias.valid_pct(bins))
        lines += bias.table_of(role, bins)
    values["models_bias_pct"] = max(worst)
    values["models_bias_valid_pct"] = max(valid)
    return values, lines


def _superres(options: Options) -> Part:
    package = nets.find(nets.SUPERRES)
    if package is None:
        return {}, []
    scenes = options.times(superres.SCENES, least=2)
    rows = superres.score(package, scenes, sabotage=options.sabotage)
    return superres.values_of(rows), superres.table_of(rows)


def _axial(options: Options) -> Part:
    package = nets.find(nets.AXIAL)
    if package is None:
        return {}, []
    broken = options.sabotage
    rows = axial.simulated(package, options.times(axial.STACKS, least=2), sabotage=broken)
    values: dict[str, float] = {}
    lines: list[str] = []
    if options.data is not None:
        rows += axial.real(package, options.data, sabotage=broken)
        values, lines = nucleus_f1(package, options.data, sabotage=broken)
    return axial.values_of(rows) | values, axial.table_of(rows) + lines


def _esrrf(options: Options) -> Part:
    timed = esrrf.speeds(options.times(esrrf.TIMED, least=3))
    rows = esrrf.score(options.times(esrrf.SPECIMENS, least=1), sabotage=options.sabotage)
    films = options.times(esrrf.FILMS, least=1)
    apart = esrrf.told_apart(films=films, sabotage=options.sabotage)
    return esrrf.values_of(timed, apart), esrrf.table_of(timed, rows, apart)


def _pictures(options: Options) -> Part:
    shots = options.times(pictures.SHOTS, least=1)
    return {}, pictures.table_of(pictures.measure(shots))


PARTS: tuple[Callable[[Options], Part], ...] = (
    _speed, _pairs, _movies, _bias, _superres, _axial, _esrrf, _pictures,
)  # fmt: skip
"""Each measures some bars; times first, while nothing else runs."""
