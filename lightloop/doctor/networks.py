"""What runs the networks, and whether the shipped ones give their stored answers here."""

from __future__ import annotations

import time
from typing import Any

from lightloop.doctor.finding import Finding, judged
from lightloop.doctor.probe import ProbeFailed, ask

SHAPE = (512, 512)
SMALL = (64, 64)
TRIES = 5
SLOW_MS = 40.0  # the bar denoise_p50_ms


def openvino() -> Finding:
    """Look at OpenVINO, and whether the processor computes in bf16."""
    try:
        version, processor, has_bf16 = ask("openvino")
    except ProbeFailed as error:
        return Finding("fail", "openvino", str(error), "pip install --force-reinstall openvino")
    kind = "bf16" if has_bf16 else "f32 only: networks take about three times longer"
    return Finding("ok", "openvino", f"{version} on {processor}, {kind}")


def engines() -> Finding:
    """Try every engine: who runs here, and why the others do not."""
    try:
        found = ask("engines")
    except ProbeFailed as error:
        return Finding("fail", "engines", str(error), "lightloop models parity NAME says more")
    runs: dict[str, list[str]] = {}
    absent: dict[str, list[str]] = {}
    wrong: list[str] = []
    for engine, precision, reason, is_wrong in found:
        if not reason:
            runs.setdefault(engine, []).append(precision)
        elif is_wrong:
            wrong.append(f"{engine} {precision}")
        else:
            absent.setdefault(reason, []).append(f"{engine} {precision}")
    text = "; ".join(f"{engine} {', '.join(kinds)}" for engine, kinds in runs.items()) or "none"
    text += "".join(f"; not {', '.join(who)}: {reason}" for reason, who in absent.items())
    if not runs:
        return Finding("fail", "engines", text, "pip install --force-reinstall openvino")
    fix = "it will not be used; lightloop models parity NAME says by how much it is wrong"
    text += f"; wrong: {', '.join(wrong)}" if wrong else ""
    return judged("engines", text, is_bad=bool(wrong), fix=fix)


def shipped() -> Finding:
    """Open every shipped network, and let each pass its parity gate."""
    try:
        found = ask("network")
    except ProbeFailed as error:
        return Finding("fail", "network", str(error), "get the checkout again: git checkout models")
    if not found:
        return Finding("warn", "network", 'none is shipped: runs need network.denoise = ""')
    by_engine: dict[str, list[str]] = {}
    for name, engine, precision, _, ms in found:
        by_engine.setdefault(f"{engine} {precision}", []).append(f"{name} {ms:.3g} ms")
    each = "; ".join(f"{', '.join(those)} by {by}" for by, those in by_engine.items())
    slow = [name for name, *_, ms in found if ms > SLOW_MS]
    return judged(
        "network",
        f"all {len(found)} give their stored answer; a frame of {SHAPE[0]} x {SHAPE[1]} px: {each}",
        is_bad=bool(slow),
        fix=f"{', '.join(slow)}: slow here, or others are busy on this machine: use a smaller "
        "region, or network.threads = 2",
    )


def probe_openvino() -> list[Any]:
    """Return version, processor, and whether it has bf16."""
    from models.engines.openvino_import import import_openvino

    openvino = import_openvino()
    core = openvino.Core()
    abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    name = core.get_property("CPU", "FULL_DEVICE_NAME")
    return [openvino.__version__.split("-")[0], str(name), "BF16" in abilities]


def probe_engines() -> list[list[Any]]:
    """Return name, precision, reason and whether it is wrong, for each engine."""
    from models.engines.survey import survey
    from models.package import Package, list_shipped, shipped

    name = list_shipped()[0]
    tried = survey(Package.load(shipped(name)), SMALL)
    return [[*one.choice, one.reason, one.is_wrong] for one in tried]


def probe_network() -> list[list[Any]]:
    """Return id, engine, precision, parity and ms a frame of each shipped network."""
    from models.engines.gate import open_engine
    from models.package import Package, list_shipped, shipped

    found: list[list[Any]] = []
    for name in list_shipped():
        package = Package.load(shipped(name))
        engine = open_engine(package, SHAPE)
        times = []
        for _ in range(TRIES):
            start = time.perf_counter()
            engine.infer(engine.frames)
            times.append((time.perf_counter() - start) * 1e3)
        info = engine.info()
        found.append(
            [package.model_id, info.engine, info.precision, info.parity_rms, sorted(times)[2]]
        )
        engine.close()
    return found
