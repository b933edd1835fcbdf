"""What a taught network learnt from: its own specimens are known to it, strange ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from models.train.own.textures import LEAST_ALONE, LEAST_BESIDE, combine
from models.type_shift import COUNT, TypeReference, fit

RNG = np.random.default_rng(3)
SHIPPED = fit(RNG.standard_normal((2000, COUNT)))


def own(count: int, where: float = 9.0, spread: float = 0.2) -> np.ndarray:
    return where + spread * np.random.default_rng(5).standard_normal((count, COUNT))


def test_too_few_images_make_no_reference() -> None:
    assert combine(own(LEAST_ALONE - 1), None) is None
    assert combine(own(LEAST_BESIDE - 1), SHIPPED) is None
    assert combine(np.empty((0, COUNT)), SHIPPED) is None


@pytest.mark.parametrize(("count", "before"), [(LEAST_ALONE, None), (LEAST_BESIDE, SHIPPED)])
def test_what_was_learnt_from_is_near(count: int, before: TypeReference | None) -> None:
    reference = combine(own(count), before)
    assert reference is not None
    distances = [reference.distance(each) for each in own(count)]
    assert np.quantile(distances, 0.99) <= reference.far


def test_what_the_shipped_network_never_saw_is_known_after_it_was_learnt_from() -> None:
    strange = own(1)[0]
    assert SHIPPED.distance(strange) > SHIPPED.far
    reference = combine(own(40), SHIPPED)
    assert reference is not None
    assert reference.distance(strange) < reference.far
    assert reference.distance(strange + 30.0) > reference.far


def test_a_change_of_light_that_the_shipped_network_bears_is_borne() -> None:
    """The recording has one light; the spread of the network that it began with allows for more."""
    reference = combine(own(40), SHIPPED)
    assert reference is not None
    brighter = own(1)[0].copy()
    brighter[-3] += 1.5  # the contrast
    assert reference.distance(brighter) < reference.far
