"""What an export writes has its name when all of it is whole, and never takes another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.errors import RunFileError
from realtime.export.whole import outputs


def test_all_things_get_their_names_together(tmp_path: Path) -> None:
    with outputs() as out:
        out.new(tmp_path / "a.csv").write_text("a")
        folder = out.new(tmp_path / "deep" / "b.zarr")
        folder.mkdir()
        (folder / "c").write_text("c")
        assert not (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.csv").read_text() == "a"
    assert (tmp_path / "deep" / "b.zarr" / "c").read_text() == "c"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full"), RuntimeError])
def test_a_failure_leaves_none_of_them(tmp_path: Path, error) -> None:
    def fail() -> None:
        with outputs() as out:
            out.new(tmp_path / "a.csv").write_text("a")
            out.new(tmp_path / "b").mkdir()
            raise error

    expected = RunFileError if isinstance(error, OSError) else error
    with pytest.raises(expected):
        fail()
    assert not list(tmp_path.iterdir())


def test_what_exists_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")

    def again(late: bool) -> None:
        with outputs() as out:
            if late:
                out.new(tmp_path / "b.csv").write_text("new")
                (tmp_path / "b.csv").write_text("somebody else's")
            else:
                out.new(tmp_path / "a.csv")

    with pytest.raises(RunFileError, match="exists already"):
        again(late=False)
    with pytest.raises(RunFileError, match="meanwhile"):
        again(late=True)
    assert (tmp_path / "a.csv").read_text() == "old"
    assert (tmp_path / "b.csv").read_text() == "somebody else's"
    assert len(list(tmp_path.iterdir())) == 2
