from __future__ import annotations

from pathlib import Path

import pytest

from acquire.errors import DeviceMissing
from lightloop.config import RunConfig, parse
from lightloop.supervision.one_at_a_time import FOLDER_VARIABLE, hold_stand
from tests.lasting_stand import config_of
from tests.run_helpers import SMALL


def stand(path: Path) -> RunConfig:
    return parse(config_of(path), "stand.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "stands"))
    return tmp_path / "stands"


def test_a_microscope_is_held_by_one_run_at_a_time_however_its_file_is_written(
    tmp_path: Path,
) -> None:
    scope, same = tmp_path / "scope.cfg", tmp_path / "x" / ".." / "scope.cfg"
    (tmp_path / "x").mkdir()
    with hold_stand(stand(scope)):
        with (
            pytest.raises(DeviceMissing, match=r"scope\.cfg is in use by another lightloop"),
            hold_stand(stand(same)),
        ):
            pytest.fail("two of them")
        with hold_stand(stand(tmp_path / "other.cfg")):
            pass
    with hold_stand(stand(same)):
        pass


@pytest.mark.parametrize("config", [SMALL, config_of("demo")])
def test_what_gives_no_light_to_a_real_sample_is_held_by_nobody(config: str, folder: Path) -> None:
    wanted = parse(config, "test")
    with hold_stand(wanted), hold_stand(wanted):
        assert not folder.exists()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, folder: Path) -> None:
    folder.write_text("not a folder")
    with (
        pytest.raises(DeviceMissing, match="LIGHTLOOP_STANDS may name another"),
        hold_stand(stand(tmp_path / "scope.cfg")),
    ):
        pytest.fail("held")
