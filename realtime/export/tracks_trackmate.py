"""TrackMate's XML: opened in Fiji by *Plugins > Tracking > Load a TrackMate file*.

A track of TrackMate is a whole family: spots, and edges that may branch. Places are in microns
where the size of a pixel is known, else in pixels; times in seconds, else in frames. Elements and
attributes: the classes TmXmlWriter and TmXmlKeys of github.com/trackmate-sc/TrackMate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from numpy.typing import NDArray

    from realtime.export.tracks_forest import Forest

VERSION = "7.11.1"
"""Of the layout that is written."""
USUAL_RADIUS_PX = 5.0
"""Of a cell whose area is not known (proposed)."""

SPOT_FEATURES = (
    ("QUALITY", "Quality", "Quality", "QUALITY", False),
    ("POSITION_X", "X", "X", "POSITION", False),
    ("POSITION_Y", "Y", "Y", "POSITION", False),
    ("POSITION_Z", "Z", "Z", "POSITION", False),
    ("POSITION_T", "T", "T", "TIME", False),
    ("FRAME", "Frame", "Frame", "NONE", True),
    ("RADIUS", "Radius", "R", "LENGTH", False),
    ("VISIBILITY", "Visibility", "Visibility", "NONE", True),
    ("CELL", "Cell", "Cell", "NONE", True),
    ("PHOTO_ELECTRONS", "Photo-electrons", "e-", "INTENSITY", False),
    ("IS_SEEN", "Is seen", "Seen", "NONE", True),
)
EDGE_FEATURES = (
    ("SPOT_SOURCE_ID", "Source spot ID", "Source ID", "NONE", True),
    ("SPOT_TARGET_ID", "Target spot ID", "Target ID", "NONE", True),
    ("LINK_COST", "Edge cost", "Cost", "COST", False),
    ("EDGE_TIME", "Edge time", "Edge T", "TIME", False),
    ("DISPLACEMENT", "Displacement", "D", "LENGTH", False),
)
TRACK_FEATURES = (
    ("TRACK_INDEX", "Track index", "Index", "NONE", True),
    ("TRACK_ID", "Track ID", "ID", "NONE", True),
    ("NUMBER_SPOTS", "Number of spots in track", "N spots", "NONE", True),
    ("NUMBER_SPLITS", "Number of split events", "N splits", "NONE", True),
    ("TRACK_DURATION", "Track duration", "Duration", "TIME", False),
    ("TRACK_START", "Track start", "Track start", "TIME", False),
    ("TRACK_STOP", "Track stop", "Track stop", "TIME", False),
)


class _Scale(NamedTuple):
    """What a pixel, a plane and a time point are worth in the file, and the names of the units."""

    pixel: float
    plane: float
    step: float
    space: str
    time: str


def write_trackmate(path: Path, forest: Forest) -> int:
    """Write the cells of one field; return the number of spots."""
    scale = _scale(forest)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f'<TrackMate version="{VERSION}">\n')
        file.write(f" <Log>{escape(f'written by lightloop from {forest.source}')}</Log>\n")
        file.write(f' <Model spatialunits="{scale.space}" timeunits="{scale.time}">\n')
        _write_declarations(file)
        _write_spots(file, forest, scale)
        _write_tracks(file, forest, scale)
        file.write(" </Model>\n")
        _write_settings(file, forest, scale)
        file.write(' <GUIState state="ConfigureViews" />\n</TrackMate>\n')
    return len(forest.rows)


def _scale(forest: Forest) -> _Scale:
    is_sized, is_timed = forest.pixel_um > 0, forest.interval_s > 0
    pixel = forest.pixel_um if is_sized else 1.0
    return _Scale(
        pixel,
        forest.plane_um if forest.plane_um > 0 else pixel,
        forest.interval_s if is_timed else 1.0,
        "micron" if is_sized else "pixel",
        "sec" if is_timed else "frame",
    )


def _write_declarations(file: TextIO) -> None:
    file.write("  <FeatureDeclarations>\n")
    for tag, features in (
        ("SpotFeatures", SPOT_FEATURES),
        ("EdgeFeatures", EDGE_FEATURES),
        ("TrackFeatures", TRACK_FEATURES),
    ):
        file.write(f"   <{tag}>\n")
        for key, name, short, dimension, is_int in features:
            file.write(
                f'    <Feature feature="{key}" name="{name}" shortname="{short}" '
                f'dimension="{dimension}" isint="{str(is_int).lower()}" />\n'
            )
        file.write(f"   </{tag}>\n")
    file.write("  </FeatureDeclarations>\n")


def _write_spots(file: TextIO, forest: Forest, scale: _Scale) -> None:
    rows = forest.rows
    file.write(f'  <AllSpots nspots="{len(rows)}">\n')
    starts = np.flatnonzero(np.diff(rows["t"], prepend=-1))
    for start, end in zip(starts, _ends(starts, len(rows)), strict=True):
        file.write(f'   <SpotsInFrame frame="{rows["t"][start]}">\n')
        for n in range(start, end):
            file.write(f"    {_spot(n, rows[n], scale)}\n")
        file.write("   </SpotsInFrame>\n")
    file.write("  </AllSpots>\n")


def _ends(starts: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return where each part ends that begins at one of `starts`."""
    return np.append(starts[1:], count)[: len(starts)]


def _spot(number: int, row: np.void, scale: _Scale) -> str:
    area = float(row["area_px"])
    radius = np.sqrt(area / np.pi) if area > 0 else USUAL_RADIUS_PX
    photons = float(row["photons"])
    return (
        f'<Spot ID="{number}" name="cell {row["cell"]}" '
        f'QUALITY="{1.0 + float(row["certainty"]):.6g}" '  # above 0: readers drop what is at it
        f'POSITION_X="{row["x"] * scale.pixel:.7g}" POSITION_Y="{row["y"] * scale.pixel:.7g}" '
        f'POSITION_Z="{row["z"] * scale.pixel:.7g}" POSITION_T="{row["t"] * scale.step:.9g}" '
        f'FRAME="{row["t"]}" RADIUS="{radius * scale.pixel:.6g}" VISIBILITY="1" '
        f'CELL="{row["cell"]}" PHOTO_ELECTRONS="{photons if photons == photons else 0.0:.6g}" '
        f'IS_SEEN="{row["is_seen"]}" />'
    )


def _write_tracks(file: TextIO, forest: Forest, scale: _Scale) -> None:
    rows, edges = forest.rows, forest.edges()
    of_edge = forest.families()[edges[:, 0]] if len(edges) else np.empty(0, np.int64)
    order = np.argsort(of_edge, kind="stable")
    names, starts = np.unique(of_edge[order], return_index=True)
    file.write("  <AllTracks>\n")
    for index, (start, end) in enumerate(zip(starts, _ends(starts, len(order)), strict=True)):
        mine = edges[order[start:end]]
        file.write(f"   {_track(index, int(names[index]), mine, rows, scale)}\n")
        for line in _edges(mine, rows, scale):
            file.write(f"    {line}\n")
        file.write("   </Track>\n")
    file.write("  </AllTracks>\n  <FilteredTracks>\n")
    for index in range(len(names)):
        file.write(f'   <TrackID TRACK_ID="{index}" />\n')
    file.write("  </FilteredTracks>\n")


def _track(
    index: int, family: int, edges: NDArray[np.int64], rows: NDArray[np.void], scale: _Scale
) -> str:
    first, last = rows["t"][edges].min() * scale.step, rows["t"][edges].max() * scale.step
    _, onward = np.unique(edges[:, 0], return_counts=True)
    return (
        f'<Track name="family {family}" TRACK_ID="{index}" TRACK_INDEX="{index}" '
        f'NUMBER_SPOTS="{len(np.unique(edges))}" NUMBER_SPLITS="{int((onward > 1).sum())}" '
        f'TRACK_DURATION="{last - first:.9g}" TRACK_START="{first:.9g}" TRACK_STOP="{last:.9g}">'
    )


def _edges(edges: NDArray[np.int64], rows: NDArray[np.void], scale: _Scale) -> Iterator[str]:
    for source, target in edges.tolist():
        one, other = rows[source], rows[target]
        away = np.hypot(
            np.hypot(other["y"] - one["y"], other["x"] - one["x"]), other["z"] - one["z"]
        )
        sure = min(max(float(other["certainty"]), 1e-6), 1.0)
        yield (
            f'<Edge SPOT_SOURCE_ID="{source}" SPOT_TARGET_ID="{target}" '
            f'LINK_COST="{abs(np.log(sure)):.6g}" '
            f'EDGE_TIME="{(int(one["t"]) + int(other["t"])) / 2 * scale.step:.9g}" '
            f'DISPLACEMENT="{away * scale.pixel:.6g}" />'
        )


def _write_settings(file: TextIO, forest: Forest, scale: _Scale) -> None:
    height, width = forest.shape
    planes, times = forest.n_planes, forest.n_times
    file.write(
        " <Settings>\n"
        f"  <ImageData filename={quoteattr(forest.source)} folder={quoteattr(forest.folder)} "
        f'width="{width}" '
        f'height="{height}" nslices="{planes}" nframes="{times}" pixelwidth="{scale.pixel:.9g}" '
        f'pixelheight="{scale.pixel:.9g}" voxeldepth="{scale.plane:.9g}" '
        f'timeinterval="{scale.step:.9g}" />\n'
        f'  <BasicSettings xstart="0" xend="{width - 1}" ystart="0" yend="{height - 1}" '
        f'zstart="0" zend="{planes - 1}" tstart="0" tend="{times - 1}" />\n'
        f'  <DetectorSettings DETECTOR_NAME="MANUAL_DETECTOR" RADIUS="{scale.pixel:.9g}" />\n'
        '  <InitialSpotFilter feature="QUALITY" value="0.0" isabove="true" />\n'
        "  <SpotFilterCollection />\n"
        '  <TrackerSettings TRACKER_NAME="MANUAL_TRACKER" />\n'
        "  <TrackFilterCollection />\n"
        "  <AnalyzerCollection>\n   <SpotAnalyzers />\n   <EdgeAnalyzers />\n"
        "   <TrackAnalyzers />\n  </AnalyzerCollection>\n"
        " </Settings>\n"
    )
