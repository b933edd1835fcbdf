"""A sample's journal on a disk that is full for a while: no dose that was noted is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from acquire.dose.footprint import Footprint
from acquire.sample.journal import Journal, read_journal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
FIELD = Footprint(1.0, np.ones((4, 4)))


@contextmanager
def no_file_longer_than(most: int) -> Iterator[None]:
    """Let a disk be full: of what would make a file longer, only a part is taken, and then none."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("taken", range(26))
def test_what_is_noted_after_an_entry_that_was_torn_can_be_read(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "sample.journal"
    journal = Journal(path, 7, {"488": FIELD})
    journal.note("488", 0.0, 0.0, 1.0)
    with (
        no_file_longer_than(path.stat().st_size + taken),
        pytest.raises(OSError, match=r"jour|large"),
    ):
        journal.note("488", 0.0, 0.0, 16.0)
    journal.note("488", 0.0, 0.0, 2.0)
    journal.note("488", 5.0, 0.0, 4.0)
    journal.close()
    ((_, doses),) = read_journal(path, 7).values()
    assert doses == {(0.0, 0.0): 3.0, (5.0, 0.0): 4.0}
