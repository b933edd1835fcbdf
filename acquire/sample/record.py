"""What a sample has taken in all runs: light by stage area, in a file of the user's data folder."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from acquire.dose.fluence import FluenceMap
from acquire.dose.tiles import Tiles
from acquire.errors import ScopeError
from acquire.sample.file import (
    Line,
    PackedLight,
    Record,
    decode,
    encode,
    pack,
    replace_file,
    unpack,
)
from acquire.sample.journal import Journal, read_journal
from acquire.sample.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from acquire.dose.footprint import Footprint


class SampleError(ScopeError, ValueError):
    """A sample's record cannot be used: what it took so far is not known."""


class Taken(msgspec.Struct, frozen=True):
    """All light of a sample so far, by the name of its line."""

    lines: dict[str, Line]
    planes: dict[str, tuple[Tiles, ...]]

    def check(self, lines: Mapping[str, Line]) -> None:
        """Refuse to add up doses that cannot be.

        Raises
        ------
        SampleError
            If a line had another wavelength, or doses of another unit.
        """
        for name, line in lines.items():
            before = self.lines.get(name)
            if before is not None and before != line:
                raise SampleError(
                    f"light {name!r} is {_words(line)}, and the sample took {_words(before)} under "
                    "that name: its doses cannot be added up; rename the light, or use a new "
                    "sample.id for a new sample"
                )


def read_sample(folder: Path, sample: str) -> Taken:
    """Return what a sample has taken; nothing if it is new.

    Raises
    ------
    SampleError
        If its record is damaged: then nobody knows what it took.
    """
    return _read(folder, sample)[1]


class SampleRecord:
    """The record of one sample during a run; nobody else may open it meanwhile.

    Parameters
    ----------
    folder
        Where records are kept, such as the user's data folder; it is made if it is missing.
    lines, footprints
        The lights of this run, and what an exposure of each lights.

    Attributes
    ----------
    taken
        What the sample took before.

    Raises
    ------
    SampleError
        If another run has it open, it is damaged, or its doses are of another kind.
    """

    def __init__(
        self,
        folder: Path,
        sample: str,
        lines: Mapping[str, Line],
        footprints: Mapping[str, Footprint],
    ) -> None:
        self._folder, self._sample = folder, sample
        self._footprints = dict(footprints)
        self._journal: Journal | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(_path(folder, sample, "lock"))
        except BlockingIOError as error:
            raise SampleError(f"sample {sample!r} is in use by another run; wait for it") from error
        except OSError as error:
            raise SampleError(f"sample {sample!r}: {folder} cannot be used: {error}") from error
        try:
            self._generation, self.taken = _read(folder, sample)
            self.taken.check(lines)
            self._lines = {**self.taken.lines, **lines}
            self._write(self.taken.planes)  # an older journal's light too: a new one begins
        except BaseException:
            self.close()
            raise

    def note(self, light: str, x_um: float, y_um: float, dose: float) -> None:
        """Write a dose down before it is given; it outlives this process.

        Raises
        ------
        SampleError
            If it cannot be written: then it must not be given.
        """
        if self._journal is None:
            raise SampleError(f"the record of sample {self._sample!r} is closed")
        try:
            self._journal.note(light, x_um, y_um, dose)
        except OSError as error:
            raise SampleError(f"light cannot be written down for the sample: {error}") from error

    def save(self, maps: Mapping[str, FluenceMap]) -> None:
        """Write the whole record anew, in one step; what was noted so far is in the maps."""
        self._write({**self.taken.planes, **{name: m.planes for name, m in maps.items()}})

    def close(self) -> None:
        """Let go of the record. May be called twice."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.close()

    def __enter__(self) -> Self:
        """Return the record."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of it."""
        self.close()

    def _write(self, planes: Mapping[str, tuple[Tiles, ...]]) -> None:
        lights = {
            name: PackedLight(
                line, tuple(pack(plane) for plane in planes.get(name, ()) if len(plane))
            )
            for name, line in self._lines.items()
        }
        generation = self._generation + 1
        try:
            replace_file(
                _path(self._folder, self._sample, "dose"),
                encode(Record(self._sample, generation, lights)),
            )
            if self._journal is not None:
                self._journal.close()
                self._journal = None  # what it holds is in the record now: it takes no more
            journal = _path(self._folder, self._sample, "journal")
            self._journal = Journal(journal, generation, self._footprints)
        except OSError as error:
            raise SampleError(
                f"the record of sample {self._sample!r} cannot be kept in {self._folder}: {error}"
            ) from error
        self._generation = generation


def _read(folder: Path, sample: str) -> tuple[int, Taken]:
    """Return the record's generation, and all light, that of its journal too."""
    path = _path(folder, sample, "dose")
    record = Record(sample, 0, {})
    try:
        if path.exists():
            record = decode(path.read_bytes())
        planes = {
            name: tuple(unpack(plane) for plane in light.planes)
            for name, light in record.lights.items()
        }
        noted = read_journal(_path(folder, sample, "journal"), record.generation)
    except (OSError, ValueError, msgspec.MsgspecError, zlib.error) as error:
        raise SampleError(
            f"the record of sample {sample!r} cannot be read: {error}; what it took is not known: "
            f"restore {path} from a backup, or give the sample a new id"
        ) from error
    lines = {name: light.line for name, light in record.lights.items()}
    for name, (footprint, doses) in noted.items():
        light_map = FluenceMap(footprint, planes.get(name, ()))
        for (x_um, y_um), dose in doses.items():
            light_map.add(x_um, y_um, dose)
        planes[name] = light_map.planes
    return record.generation, Taken(lines, planes)


def _path(folder: Path, sample: str, kind: str) -> Path:
    return folder / f"sample-{sample}.{kind}"  # no id is a device's name on Windows


def _words(line: Line) -> str:
    unit = "calibrated" if line.is_calibrated else "not calibrated"
    return f"{line.wavelength_nm:g} nm, {unit}"
