"""A Micro-Manager stand whose light outlives programs: its configuration file and a run config."""

from __future__ import annotations

from pathlib import Path

CONFIG = """
[scope]
kind = "micro-manager"
system = "{system}"

[[light]]
name = "laser"
wavelength_nm = 488.0
shutter_device = "Laser"

[light.limits]
budget_j_cm2 = 10.0

[[channel]]
name = "laser"
light = "laser"
exposure_ms = 10.0

[plan]
time_plan = {{ interval = {{ seconds = 1 }}, loops = 1 }}
"""


def write_system(folder: Path, port: int) -> Path:
    """Write a Micro-Manager configuration file whose laser is behind a port, and return it."""
    path = folder / "stand.cfg"
    path.write_text(
        "Property,Core,Initialize,0\n"
        "Device,Camera,DemoCamera,DCam\n"
        "#py pyDevice,Laser,tests.lasting_light,LastingShutter\n"
        f"#py Property,Laser,Port,{port}\n"
        "Property,Core,Initialize,1\n"
        "Property,Core,Camera,Camera\n",
        "utf-8",
    )
    return path


def config_of(system: Path | str) -> str:
    """Return the run config of such a stand, TOML."""
    return CONFIG.format(system=Path(system).as_posix())
