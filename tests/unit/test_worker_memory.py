"""What a worker knows is kept outside of it, and comes back whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from acquire.settings import Applied
from lightloop.processes.worker_memory import EVERY_SHOTS, SLOW, WorkerMemory
from realtime.memory import CellsLight, Known, KnownFiles, files
from realtime.memory.known import MOST_BYTES, pack, unpack
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import Result
from realtime.wire.seen import Recalled
from tests.unit import run_samples as samples

SESSION = "this run"


def known(shot: int, position: int = 0, session: str = SESSION, tracker: bytes = b"x") -> Known:
    return Known(
        session, position, shot, shot, 1, shot, (1.0, 2.0), (64, 64), tracker,
        {"488": 0.5}, {"488": 0.1}, CellsLight((3, 4), {"488": (0.2, 0.3)}),
    )  # fmt: skip


def written(folder: Path, *shots: int) -> KnownFiles:
    """Return the files of a worker that comes after one that has kept some shots."""
    before = KnownFiles(folder, SESSION)
    for shot in shots:
        before.keep(known(shot))
    return KnownFiles(folder, SESSION)


def test_the_newest_that_is_older_than_the_next_shot_comes_back(tmp_path: Path) -> None:
    after = written(tmp_path, 5, 8, 11)
    assert after.is_restart
    assert after.read(0, 12) == (known(11), "")
    assert after.read(0, 11) == (known(8), ""), "the stream shows the last shot again"
    nothing, why = after.read(0, 8)
    assert nothing is None
    assert "not older" in why


def test_what_was_taken_up_is_not_the_first_to_be_overwritten(tmp_path: Path) -> None:
    after = written(tmp_path, 5, 8)
    assert after.read(0, 8)[0] == known(5)
    after.keep(known(8))
    assert KnownFiles(tmp_path, SESSION).read(0, 8)[0] == known(5)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: b"",
        lambda data: b"nonsense",
        lambda data: data[:-1],
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda data: data + b"more",
        lambda data: bytes(MOST_BYTES + 1000),
        lambda data: pack(known(8, session="another run")),
        lambda data: pack(known(8, position=3)),
        lambda data: b"LLKN9999" + data[8:],
    ],
)
def test_what_is_damaged_foreign_or_too_large_is_refused_and_the_older_one_taken(
    tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    written(tmp_path, 5, 8)
    newest = max(tmp_path.glob("*.known"), key=lambda p: unpack(p.read_bytes()).shot)
    newest.write_bytes(harm(newest.read_bytes()))
    assert KnownFiles(tmp_path, SESSION).read(0, 12) == (known(5), "")
    for path in tmp_path.glob("*.known"):
        path.write_bytes(newest.read_bytes())
    nothing, why = KnownFiles(tmp_path, SESSION).read(0, 12)
    assert nothing is None
    assert why


def test_too_much_is_not_kept_and_what_is_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = written(tmp_path, 5)
    with pytest.raises(ValueError, match="at most"):
        there.keep(known(9, tracker=bytes(MOST_BYTES)))
    monkeypatch.setattr(files, "MOST_OF_ALL", 1500)
    for position in range(1, 5):
        there.keep(known(9, position))
    with pytest.raises(ValueError, match="all fields together"):
        there.keep(known(9, 5, tracker=bytes(1000)))
    assert there.read(0, 9)[0] == known(5)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.known")) <= 1500


def test_a_name_that_was_promised_is_never_free_again(tmp_path: Path) -> None:
    first = KnownFiles(tmp_path, SESSION)
    assert (first.first_name, first.is_restart) == (0, False)
    for next_name in (10, 999, 1000, 1001, 5321):
        first.promise(next_name)
        assert KnownFiles(tmp_path, SESSION).first_name > next_name


@pytest.mark.parametrize("text", ["", "nonsense", "other 1000", "run -5", "run 9" * 99, "run x"])
def test_lost_names_begin_at_nought_and_it_is_said(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    KnownFiles(tmp_path, "run")
    (tmp_path / "names").write_text(text)
    assert KnownFiles(tmp_path, "run").first_name == 0
    assert "names may come twice" in caplog.text


class Pipe:
    """A pipeline that knows as many shots as it was told."""

    def __init__(self) -> None:
        self.shot = self.asked = 0

    def known(self, position: int) -> Known:
        self.asked += 1
        return known(self.shot, position)

    def next_name(self, position: int) -> int:
        return self.shot


def test_a_field_is_kept_now_and_then_and_after_a_pause_at_once(tmp_path: Path) -> None:
    now, pipe = [100.0], Pipe()
    memory = WorkerMemory(KnownFiles(tmp_path, SESSION), lambda: now[0])
    for shot in range(41):
        pipe.shot, now[0] = shot, now[0] + 0.001
        memory.keep(pipe, 0)
    assert pipe.asked == 1 + 40 // EVERY_SHOTS
    for _ in range(10):
        now[0] += 1.0
        memory.keep(pipe, 0)
    assert pipe.asked == 11 + 40 // EVERY_SHOTS


def test_a_slow_disk_is_left_alone_for_a_while(tmp_path: Path) -> None:
    now, pipe = [100.0], Pipe()

    def clock_s() -> float:
        now[0] += 0.1  # each look at the clock: so long keeping takes
        return now[0]

    memory = WorkerMemory(KnownFiles(tmp_path, SESSION), clock_s)
    for _ in range(10 * SLOW):
        memory.keep(pipe, 0)
    assert pipe.asked < 13


def test_a_worker_says_once_that_it_goes_on_or_begins_anew(tmp_path: Path) -> None:
    first = WorkerMemory(KnownFiles(tmp_path, SESSION))
    assert first.recall(0, 0) == (None, 0)
    assert first.notices() == []
    pipe = Pipe()
    for pipe.shot, position in ((4, 0), (5, 1)):
        first.keep(pipe, position)
    after = WorkerMemory(KnownFiles(tmp_path, SESSION))
    assert after.recall(0, 9) == (known(4), 1000)
    assert after.recall(1, 9) == (known(5, 1), 1000)
    assert after.recall(2, 9) == (None, 1000), "nobody was there before"
    assert [(n.level, n.text) for n in after.notices()] == [
        ("info", "the worker goes on with the cells it knew at shot 4")
    ]
    for path in tmp_path.glob("*.known"):
        path.write_bytes(b"nonsense")
    lost = WorkerMemory(KnownFiles(tmp_path, SESSION))
    assert [lost.recall(p, 9) for p in (0, 1)] == [(None, 2000)] * 2
    (notice,) = lost.notices()
    assert notice.level == "warn"
    assert "begins anew with field 0" in notice.text
    assert "damaged" in notice.text
    assert lost.notices() == []


def test_what_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    memory = WorkerMemory(KnownFiles(folder, SESSION))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    pipe = Pipe()
    for pipe.shot in range(0, 9000, 500):
        memory.promise(pipe, 0)
        memory.keep(pipe, 0)
    assert len(memory.notices()) == 2, "once each"
    assert pipe.asked == 1


def result(recalled: Recalled | None, *, late: int, clamped: str) -> Result:
    """Return the first answer of a worker on a field whose light is so."""
    of: Result = samples.result(9, (9,))
    used: tuple[Applied, ...] = tuple(
        msgspec.structs.replace(a, late=late, clamped=clamped) for a in of.observation.applied
    )
    seen = msgspec.structs.replace(of.observation, applied=used)
    return msgspec.structs.replace(of, observation=seen, recalled=recalled)


LOWERED = {"late": 5, "clamped": "no decision for 5 shots: lowered"}


def test_it_is_said_once_that_a_field_was_left_in_too_little_light_and_what_to_do(
    tmp_path: Path,
) -> None:
    first = WorkerMemory(KnownFiles(tmp_path, SESSION))
    first.look(result(Recalled(), **LOWERED))
    assert first.notices() == [], "nobody was there before"
    after = WorkerMemory(KnownFiles(tmp_path, SESSION))
    for _ in range(2):
        after.look(result(None, **LOWERED))
        after.look(result(Recalled(5, 1000), late=0, clamped=""))
        after.look(result(Recalled(5, 1000), late=2, clamped=""))
    assert after.notices() == []
    after.look(result(Recalled(5, 1000), **LOWERED))
    after.look(result(Recalled(5, 1000), **LOWERED))
    (notice,) = after.notices()
    assert notice.level == "warn"
    assert "was lowered while no worker answered" in notice.text
    assert "--continue" in notice.text
    knows = WorkerMemory(KnownFiles(tmp_path, SESSION))
    knows.look(result(Recalled(5, 1000, ("policy",)), **LOWERED))
    (notice,) = knows.notices()
    assert (notice.level, "--continue" in notice.text) == ("info", False)


def test_what_one_part_cannot_keep_is_said_once_and_by_its_name(tmp_path: Path) -> None:
    memory = WorkerMemory(KnownFiles(tmp_path, SESSION))
    for part in ("policy", "policy", "focus"):
        memory.refuse_part(3, part, "it is damaged")
    assert [n.text.split(" of field 3")[0] for n in memory.notices()] == [
        "what the policy learnt",
        "what the focus learnt",
    ]


def test_a_tracker_gives_no_name_below_the_first_that_is_free() -> None:
    tracker = Tracker(TrackerConfig())
    tracker.name_from(3000)
    assert tracker.next_name == 3000
    tracker.name_from(10)
    assert tracker.next_name == 3000
