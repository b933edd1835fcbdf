"""Family trees as other programs keep them: TrackMate's XML, and what napari takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from zipfile import BadZipFile

import numpy as np

from lightloop.scoring.forests import forest_of_edges
from realtime.errors import RunFileError
from realtime.export.tracks_forest import Forest
from realtime.export.tracks_napari import read_napari
from realtime.tracker.lineage import ROW

if TYPE_CHECKING:
    from pathlib import Path


def forest_of_trackmate(path: Path) -> Forest:
    """Read a file of TrackMate: the spots it shows, and the links of the tracks it kept.

    Raises
    ------
    RunFileError
        If it is none, or does not say how large a pixel is.
    """
    try:
        root = ElementTree.parse(path).getroot()
        pixel = _pixel(root, path.name)
        spots = [spot.attrib for spot in root.iter("Spot") if spot.get("VISIBILITY", "1") != "0"]
        spots.sort(key=lambda spot: (int(spot["FRAME"]), int(spot["ID"])))
        rows = np.zeros(len(spots), ROW)
        for n, spot in enumerate(spots):
            rows[n]["t"] = int(spot["FRAME"])
            for axis in "zyx":
                rows[n][axis] = float(spot[f"POSITION_{axis.upper()}"]) / pixel
            rows[n]["area_px"] = math.pi * (float(spot.get("RADIUS", 0)) / pixel) ** 2
        number = {int(spot["ID"]): n for n, spot in enumerate(spots)}
        links = [(number[a], number[b]) for a, b in _links(root) if a in number and b in number]
    except (ElementTree.ParseError, KeyError, ValueError, OSError) as error:
        raise RunFileError(f"{path.name} is no file of TrackMate: {error!r}") from error
    # A link of TrackMate has no direction but that of time; rows are in order of time.
    return forest_of_edges(rows, [(min(link), max(link)) for link in links])


def _pixel(root: ElementTree.Element, name: str) -> float:
    """Return the size of a pixel in the units of the file."""
    image = root.find("Settings/ImageData")
    if image is not None and (size := float(image.get("pixelwidth", 0))) > 0:
        return size
    model = root.find("Model")
    if model is None:
        raise RunFileError(f"{name} is no file of TrackMate: it holds no Model")
    if model.get("spatialunits", "pixel").startswith("pixel"):
        return 1.0
    raise RunFileError(f"{name} does not say how large a pixel is (Settings, ImageData)")


def _links(root: ElementTree.Element) -> list[tuple[int, int]]:
    """Return the links of the tracks that were kept, by the numbers of their spots."""
    kept = {one.get("TRACK_ID") for one in root.iter("TrackID")}
    has_choice = root.find("Model/FilteredTracks") is not None
    return [
        (int(edge.attrib["SPOT_SOURCE_ID"]), int(edge.attrib["SPOT_TARGET_ID"]))
        for track in root.iter("Track")
        if not has_choice or track.get("TRACK_ID") in kept
        for edge in track.iter("Edge")
    ]


def forest_of_napari(path: Path) -> Forest:
    """Read tracks of napari as `lightloop track` writes them; they do not say how large cells are.

    Raises
    ------
    RunFileError
        If it is no such file.
    """
    try:
        tracks, graph = read_napari(path)
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise RunFileError(f"{path.name} holds no tracks of lightloop track: {error}") from error
    if tracks.ndim != 2 or tracks.shape[1] not in (4, 5) or not np.isfinite(tracks).all():
        raise RunFileError(
            f"{path.name}: tracks must be rows of id, t, (z,) y, x; got {tracks.shape}"
        )
    rows = np.zeros(len(tracks), ROW)
    rows["cell"], rows["t"] = tracks[:, 0], tracks[:, 1]
    for axis, column in zip("xyz", tracks[:, :1:-1].T, strict=False):
        rows[axis] = column
    mothers = {child: parents[0] for child, parents in graph.items()}
    rows = np.sort(rows, order=("t", "cell"))
    return Forest(rows, mothers, int(rows["t"].max(initial=-1)) + 1, (0, 0))
