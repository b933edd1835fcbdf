"""These tests need an NVIDIA graphics card; without one each is skipped, with the reason."""

from __future__ import annotations

import pytest

from models.engines.gpu import find_gpu
from models.errors import EngineUnavailable


@pytest.fixture(autouse=True)
def needs_a_card() -> None:
    try:
        find_gpu()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
