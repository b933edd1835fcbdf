"""How unevenly each light falls, for exports: as somebody measured it, or as the config says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from acquire.dose.footprint import footprint_of
from lightloop.calibrate.calibrations import resolve
from lightloop.config import ConfigError, parse
from realtime.export.flat import flat_from, flat_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from realtime.run_file import RunReader
    from realtime.wire import CameraInfo


def flats_of(
    reader: RunReader, images: Sequence[str]
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Return the flat field of each light, and what a person should know of it.

    A light that the config calls even (`lit_rim = 1`) has none.

    Parameters
    ----------
    images
        Flat fields that were measured: "488=flat.tif" for one light, "flat.tif" for all.

    Raises
    ------
    ConfigError
        If an image is of a light that the run did not use.
    RunFileError
        If an image is no flat field of the run's camera.
    """
    camera = reader.start.cameras[0]
    shape = (camera.height, camera.width)
    used = sorted({info.applied.light for info in reader.infos})
    flats, said = _declared(reader, camera)
    flats = {light: flat for light, flat in flats.items() if light in used}
    for text in images:
        light, equals, name = text.rpartition("=")
        if equals and light not in used:
            raise ConfigError(f"--flat {text}: the run used {', '.join(used)}, not {light!r}")
        flat = flat_from(Path(name), shape)
        flats |= dict.fromkeys([light] if equals else used, flat)
    return flats, said


def _declared(
    reader: RunReader, camera: CameraInfo
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Return the profiles of the lights that the run's own config calls uneven."""
    text = reader.text("config")
    if not text:
        return {}, []
    name = f"the config in {reader.name}"
    try:
        config = parse(text, name)
        if all(light.lit_rim == 1.0 for light in config.light):
            return {}, []
        config = resolve(config, name)
    except ConfigError as error:
        return {}, [f"light is taken to be even: {str(error).splitlines()[0]}"]
    shape, lit_um = (camera.height, camera.width), camera.chip_um
    return {
        light.name: flat_of(footprint_of(light, lit_um), shape, camera.pixel_um, camera.axis_px)
        for light in config.light
        if light.lit_rim < 1.0
    }, []
