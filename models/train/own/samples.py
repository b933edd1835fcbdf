"""From examples to batches: stabilised crops, with all that is known of their noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models import noise
from models.train import noisy
from models.train.batch import Batch, normalised
from models.train.binned import UPSCALE, binned, enlarged
from models.train.own.augment import Augmentation, draw_augmentation
from models.train.own.blind_spot import hide
from models.train.own.crops import Crops
from models.train.own.pieces import draw_window, shown_light
from models.train.own.target import bias_and_variance
from models.train.own.thinning import dim, split
from models.train.stacks import MAX_DEPTHS_OF_FIELD, between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.train.own.examples import Example, Mode, Task
    from models.train.own.exposures import Relation
    from models.train.own.takes import Take

    Image = NDArray[np.float32]

_RAW_PLANES = 2  # the lower and the upper; a network of more images sees them restored, too
_LEAST_VARIANCE = 0.02
"""Of a target, units of the noise: no target counts as clean."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One sample: as in `Batch`, without the first axis."""

    planes: Image
    base: Image
    target: Image
    variance: Image
    weight: Image


@dataclass(slots=True)
class Sampler:
    """Makes samples from a user's takes.

    Attributes
    ----------
    in_frames
        Images that go into the network; a missing past is filled with the base image.
    crop_px
        Height and width of the network's input.
    depth_of_field_um
        For "axial": wavelength x refractive index / NA^2.
    """

    takes: Sequence[Take]
    task: Task
    mode: Mode
    in_frames: int
    crop_px: int
    depth_of_field_um: float = 1.0
    _crops: Crops = field(init=False)

    def __post_init__(self) -> None:
        self._crops = Crops(self.takes)

    def fit_relations(self, examples: Sequence[Example]) -> list[Relation]:
        """Fit gain and offset between the exposures of pairs; return what was found."""
        if self.mode != "paired" or self.task == "axial":
            return []
        return self._crops.fit_relations(examples)

    def batch(
        self, rng: np.random.Generator, examples: Sequence[Example], count: int, *, plain: bool
    ) -> Batch:
        """Return ``count`` samples of random examples; ``plain`` ones are not augmented."""
        parts = []
        for _ in range(count):
            example = examples[int(rng.integers(len(examples)))]
            how = Augmentation() if plain else draw_augmentation(rng)
            parts.append(self._sample(rng, example, how))
        planes, base, target, variance, weight = (
            np.stack([np.asarray(getattr(part, name), np.float32) for part in parts])
            for name in ("planes", "base", "target", "variance", "weight")
        )
        batch = Batch(planes, base[:, None], target[:, None], variance[:, None], weight[:, None])
        if self.task == "axial" and self.in_frames > _RAW_PLANES:
            from models.train.restored import restored_planes  # it needs torch, drawing does not

            return restored_planes()(batch)
        return batch

    def _sample(self, rng: np.random.Generator, example: Example, how: Augmentation) -> _Part:
        last = self.takes[example.images[-1].take]
        fine = UPSCALE if self.task == "superres" else 1
        window = draw_window(rng, last.frames[0].shape, fine * self.crop_px)
        images = np.stack([self._crops.electrons(s, window, last, example) for s in example.images])
        clipped = last.camera.is_clipped(self._crops.adu(example.images[-1], window))
        weight = np.asarray(~clipped, np.float32)
        read = last.camera.read_noise_e
        if self.task == "axial":
            return self._axial(rng, example, how, images, window)
        if self.task == "superres":
            return self._superres(rng, example, how, images[-1], weight, window)
        if self.mode == "blind-spot":
            return self._blind(rng, how, images, weight, read)
        target, scale, rest = self._crops.target(example, window, images[-1], read)
        dimmed = self._augmented(rng, how, images, read)
        seen = self._stabilised(dimmed, read)
        base = noisy.smoothed(seen[-1])
        clean = how.gain * how.share * how.blurred(how.turned(target))
        return self._part(
            seen, base, clean, how.turned(weight * rest), shown_light(base, read),
            (how.gain * how.share * scale, read, read, how.left_over),
        )  # fmt: skip

    def _blind(
        self, rng: np.random.Generator, how: Augmentation, images: Image, weight: Image, read: float
    ) -> _Part:
        """Hide pixels of the last image, and ask for them."""
        seen = self._stabilised(self._augmented(rng, how, images, read), read)
        original = seen[-1].copy()
        seen[-1], hidden = hide(rng, original)
        base = noisy.smoothed(seen[-1])
        electrons = np.asarray(noise.inverse_algebraic(original, read), np.float32)
        return self._part(
            seen, base, electrons, how.turned(weight) * hidden, shown_light(base, read),
            (how.gain, read, read, 1.0),
        )  # fmt: skip

    def _superres(
        self, rng: np.random.Generator, example: Example, how: Augmentation, image: Image,
        weight: Image, window: tuple[slice, slice],
    ) -> _Part:  # fmt: skip
        """Bin one exposure, ask for another one in full; a single one is split in two first.

        As in `models.train.binned`, both are in units of coarse pixels: fine ones count four times.
        """
        read, area = self.takes[example.images[-1].take].camera.read_noise_e, UPSCALE**2
        if self.mode == "blind-spot":
            image, target = split(rng, image, read, 0.5)
            scale, rest, read_in = 1.0, np.ones_like(weight), read * 0.5**0.5
            read_target = read_in
        else:
            target, scale, rest = self._crops.target(example, window, image, read)
            read_in = read_target = read
        coarse_read = read_in * area**0.5
        coarse = np.asarray(binned(image), np.float32)[None]
        seen = self._stabilised(self._augmented(rng, how, coarse, coarse_read), coarse_read)
        base = enlarged(noisy.smoothed(seen[-1]))
        share = how.gain * how.share * area
        fine_how = Augmentation(how.turns, how.is_mirrored, blur_px=UPSCALE * how.blur_px)
        clean = share * fine_how.blurred(how.turned(target))
        return self._part(
            seen, base, clean, how.turned(weight * rest), shown_light(base, coarse_read),
            (share * scale, read_target, coarse_read, fine_how.left_over),
        )  # fmt: skip

    def _axial(
        self, rng: np.random.Generator, example: Example, how: Augmentation, images: Image,
        window: tuple[slice, slice],
    ) -> _Part:  # fmt: skip
        """Ask for a plane, given those below and above."""
        below, middle, above = (
            self.takes[s.take] for s in (example.images[0], example.target, example.images[1])
        )
        read = middle.camera.read_noise_e
        distance = abs(above.z_um - below.z_um)
        fraction = abs(middle.z_um - below.z_um) / distance if distance > 0 else 0.5
        target = self._crops.electrons(example.target, window, above, example)
        scale = above.light[example.images[1].frame] / middle.light[example.target.frame]
        seen = self._stabilised(self._augmented(rng, how, images, read), read)
        base = between(seen, fraction)
        clean = how.gain * how.share * how.blurred(how.turned(target))
        depths = min(distance / self.depth_of_field_um, MAX_DEPTHS_OF_FIELD)
        counts = ~middle.camera.is_clipped(self._crops.adu(example.target, window))
        part = self._part(
            seen, base, clean, how.turned(np.asarray(counts, np.float32)), shown_light(base, read),
            (how.gain * how.share * float(scale), read, read, how.left_over),
        )  # fmt: skip
        extra = [np.full((1, *base.shape), value, np.float32) for value in (depths, fraction)]
        # Planes further out are not looked for: the nearest stand in, as at a stack's ends.
        planes = part.planes if self.in_frames == _RAW_PLANES else np.tile(part.planes, (2, 1, 1))
        return _Part(
            np.concatenate([planes, *extra]),
            part.base, part.target, part.variance, part.weight,
        )  # fmt: skip

    def _part(
        self, seen: Image, base: Image, electrons: Image, weight: Image, light: Image,
        target: tuple[float, float, float, float],
    ) -> _Part:  # fmt: skip
        """Stabilise a noisy target, take its known bias off, and say how noisy it is.

        ``target`` is its scale, its own read noise, that of the input, and what blur left.
        """
        read = target[2]
        bias, variance = bias_and_variance(light, *target)
        stabilised = noise.forward(electrons, 1.0, 0.0, read).astype(np.float32) - bias
        missing = self.in_frames - len(seen)
        past = [base[None]] * missing if self.task != "axial" else []
        planes = normalised(np.concatenate([*past, seen]))
        return _Part(planes, base, stabilised, np.maximum(variance, _LEAST_VARIANCE), weight)

    def _augmented(
        self, rng: np.random.Generator, how: Augmentation, images: Image, read: float
    ) -> Image:
        """Turn, blur and dim each image."""
        turned = how.turned(images)
        if how.share < 1.0:
            turned = np.stack(
                [dim(rng, how.blurred(one), read, how.share, how.left_over) for one in turned]
            )
        return np.asarray(how.gain * turned, np.float32)

    @staticmethod
    def _stabilised(electrons: Image, read: float) -> Image:
        return np.asarray(noise.forward(electrons, 1.0, 0.0, read), np.float32)
