"""What guards the light, the most dangerous first, and the fast tests that guard it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = tuple(
    f"acquire/{name}.py"
    for name in (
        *(f"light/{name}" for name in (
            "ending", "stop", "alarm", "lighting", "darkness", "guard", "shots", "lease",
            "lease_light", "account", "bounds", "frame_bounds", "slew", "where", "stream",
            "streaming", "startup",
        )),
        "dose/budget", "dose/ledger", "keeper/keep", "keeper/link",
        "keeper/pipes", "keeper/pulse",
    )
)  # fmt: skip
TESTS = (
    *(f"tests/unit/test_{name}.py" for name in (
        "light", "light_devices", "light_booked", "light_stop", "light_steps", "light_doubt",
        "light_switch", "light_machine", "light_trace", "source",
        "refusals", "dose", "cell_dose", "fluence", "startup_light", "burst", "stream",
        "stream_bounds", "stream_ends", "slew_channels", "sample_record", "exposure_step", "lease",
        "stream_change", "stream_account", "stream_vouched", "ledger_bounds", "lease_frames",
        "bounds_edges", "slew_asked", "light_interrupts", "light_unasked",
        "keeper", "keeper_answers", "keeper_breaks", "keeper_promises",
        "keeper_without_means",
    )),
    "tests/faults/test_light_faults.py",
)  # fmt: skip
