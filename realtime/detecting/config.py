"""What the detector is told: how a cell looks, and how sure its detection must be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator


class DetectorConfig(BaseModel, frozen=True, extra="forbid"):
    """What a cell looks like, and how sure its detection must be."""

    kind: Literal["nuclei", "spots"] = "nuclei"
    """"nuclei" are blobs with an outline; "spots" are smaller than that: their place is found to a
    fraction of a pixel, and their width is told from a range around `diameter_px`."""

    diameter_px: Annotated[float, Field(ge=3, le=500)] = 20.0
    """Usual diameter of a nucleus, pixels of the raw frame; of a spot, its full width at half its
    height."""

    false_alarms: Annotated[float, Field(ge=1e-6, le=100)] = 0.05
    """Noise that may pass for a cell, a frame on average. The threshold follows from it, from the
    camera and from the light, and stays right when the exposure moves."""

    threshold_sigma: Annotated[float, Field(ge=1, le=100)] | None = None
    """In place of `false_alarms`: a cell must rise above the background by this many times the
    noise of the mean over a cell's area."""

    edge_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The rim of a nucleus, as a fraction of its own brightness: dim ones keep their size."""

    min_area_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Smaller things, as a fraction of a usual nucleus, are not cells."""

    network: str = ""
    """Name of a shipped model package of the task "segment", or a path to one: it outlines nuclei
    in place of thresholds. "" for none. Where it fails, the thresholds go on."""

    @model_validator(mode="after")
    def _network_is_for_nuclei(self) -> DetectorConfig:
        if self.network and self.kind != "nuclei":
            raise ValueError(f'network outlines nuclei, and kind is "{self.kind}": take one out')
        return self
