"""A rehearsal whose keeper hangs in the driver of the light that it has to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acquire.errors import KeeperLost, LightNotDark
from lightloop.config import parse
from lightloop.rehearse import keeper as rehearse_keeper
from lightloop.rehearse.rehearsal import plan_rehearsal, rehearse
from lightloop.supervision import driver_time
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of, write_system

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def box() -> Iterator[LastingLight]:
    box = LastingLight()
    yield box
    box.close()


@pytest.mark.parametrize(
    ("ignores", "error", "is_lit"),
    [
        (1, KeeperLost, False),  # the keeper's own way; the one in its place is served
        pytest.param(10, LightNotDark, True, marks=pytest.mark.slow),
    ],
)
def test_the_light_is_ended_by_others_if_any_program_can_and_the_stand_is_not_passed(
    box: LastingLight,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ignores: int,
    error: type[Exception],
    is_lit: bool,
) -> None:
    if is_lit:  # nobody is served in time
        monkeypatch.setattr(driver_time, "PATIENT", 0.5)
    monkeypatch.setattr(rehearse_keeper, "KEEPER_S", 3600.0)
    text = config_of(write_system(tmp_path, box.port))
    config = parse(text, "stand.toml")

    def say(what: str) -> None:
        if "hangs now" in what:
            box.ignores = ignores  # from here on, programs that start its driver

    with pytest.raises(error, match="hung"):
        rehearse(config, text, "stand.toml", plan_rehearsal(config, "stand.toml", 0.01), 5.0, say)
    assert box.is_lit == is_lit
