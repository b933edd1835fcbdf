"""Where a run or a picture would be written: refused before any light."""

from __future__ import annotations

import os
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from lightloop.check.files import check_output, check_picture
from lightloop.config import ConfigError


def test_an_output_that_exists_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"somebody's work")
    with pytest.raises(ConfigError, match="exists already"):
        check_output(path, 0)


def test_an_output_without_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        check_output(tmp_path / "nowhere" / "run.h5", 0)


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="folders are not closed by their mode to root, nor on Windows",
)
def test_a_closed_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="not allowed"):
        check_output(tmp_path / "run.h5", 0)


def test_a_folder_that_refuses_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lightloop.check.files.tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=r"cannot be written .*not allowed"):
        check_output(tmp_path / "run.h5", 0)


def test_a_folder_that_takes_no_files_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")  # what /proc answers

    monkeypatch.setattr("lightloop.check.files.tempfile.TemporaryFile", refuse)
    for check in (lambda path: check_output(path, 0), check_picture):
        with pytest.raises(ConfigError, match=r"it takes no new file; name another folder$"):
            check(tmp_path / "run.h5")


def test_a_picture_may_be_written_over_but_not_into_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    check_picture(path)
    path.write_bytes(b"an older one")
    check_picture(path)
    assert path.read_bytes() == b"an older one"
    with pytest.raises(ConfigError, match="it is a folder"):
        check_picture(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        check_picture(tmp_path / "nowhere" / "run.png")


def test_a_disk_that_is_too_full_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("lightloop.check.files.shutil.disk_usage", lambda _: usage(2e9, 1e9, 1e9))
    assert check_output(tmp_path / "run.h5", int(0.5e9)) == 1e9
    with pytest.raises(ConfigError, match=r"needs about 0\.90 GB and .* has 1\.00 GB"):
        check_output(tmp_path / "run.h5", int(0.9e9))
