from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from acquire.simulated.specimen.draws import (
    Process,
    child_keys,
    normals,
    philox4x32,
    root_keys,
    uniforms,
)

# Known answers of the authors' library Random123 (kat_vectors), philox4x32, 10 rounds.
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        0xFFFFFFFFFFFFFFFF,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_published_words(
    counter: tuple[int, int, int, int], key: int, words: tuple[int, ...]
) -> None:
    assert philox4x32(counter, np.array([key], np.uint64)).tolist() == [list(words)]


def test_a_cells_draws_do_not_depend_on_the_other_cells() -> None:
    keys = root_keys(5, 50)
    alone = normals(keys[17:18], Process.MOTION, 9)
    assert np.array_equal(normals(keys, Process.MOTION, 9)[17:18], alone)


def test_every_cell_process_and_time_has_its_own_draws() -> None:
    keys = root_keys(5, 100)
    family = np.concatenate([keys, child_keys(keys, 0), child_keys(keys, 1)])
    draws = [uniforms(family, p, i) for p in (Process.MOTION, Process.FATE) for i in range(3)]
    assert len(np.unique(np.concatenate(draws))) == 6 * 300 * 4


def test_the_seed_changes_every_key() -> None:
    assert not set(root_keys(1, 100).tolist()) & set(root_keys(2, 100).tolist())


def test_uniforms_and_normals_have_their_distributions() -> None:
    keys = root_keys(3, 5000)
    assert stats.kstest(uniforms(keys, Process.LOOK).ravel(), "uniform").pvalue > 0.01
    assert stats.kstest(normals(keys, Process.LOOK).ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(normals(keys, Process.LOOK).T) - np.eye(4)).max() < 0.06
