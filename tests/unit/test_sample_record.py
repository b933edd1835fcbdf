"""What a sample took is never forgotten: not at a run's end, not at its death."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquire.dose import Ledger
from acquire.dose.footprint import Footprint
from acquire.errors import LightOverBudget
from acquire.sample import record as sample_record
from acquire.sample.record import Line, SampleError, SampleRecord, read_sample

BLUE = {"488": Line(488.0, is_calibrated=True)}
PRINT = {"488": Footprint.of(100.0, 100.0, rim=0.8)}
HERE, THERE = (10.0, -20.0), (400.0, 0.0)


def opened(folder: Path, lines: dict[str, Line] | None = None) -> SampleRecord:
    return SampleRecord(folder, "dish 1", lines or BLUE, PRINT)


def ledger_of(record: SampleRecord, budget: float = 10.0) -> Ledger:
    return Ledger({"488": budget}, footprints=PRINT, before=record.taken.planes, note=record.note)


def give(ledger: Ledger, dose: float, at: tuple[float, float] = HERE) -> None:
    ledger.settle(ledger.reserve(0, "488", dose, at), dose)


def test_the_next_run_begins_with_what_the_last_one_gave(tmp_path: Path) -> None:
    with opened(tmp_path) as record:
        ledger = ledger_of(record)
        give(ledger, 3.0)
        record.save(ledger.maps)
    with opened(tmp_path) as record:
        ledger = ledger_of(record)
        give(ledger, 4.0)
        assert ledger.spent(0, "488") == pytest.approx(7.0)
        assert ledger.highest(0, "488") == pytest.approx(7.0 * PRINT["488"].peak)
        assert ledger.totals() == {"488": 4.0}, "the run's own light"
        with pytest.raises(LightOverBudget, match="has 3 left of its 10"):
            give(ledger, 3.5)
        give(ledger, 3.5, THERE)
        record.save(ledger.maps)
    taken = read_sample(tmp_path, "dish 1")
    assert len(taken.planes["488"]) == 1
    at = taken.planes["488"][0].at(np.array([10.0, 400.0]), np.array([-20.0, 0.0]))
    assert at == pytest.approx(np.array([7.0, 3.5]) * PRINT["488"].peak, rel=1e-3)


def test_light_of_a_run_that_was_killed_counts_and_so_does_what_was_only_set_aside(
    tmp_path: Path,
) -> None:
    record = opened(tmp_path)
    ledger = ledger_of(record)
    give(ledger, 1.0)
    ledger.settle(ledger.reserve(0, "488", 2.0, HERE), 0.5)
    ledger.reserve(0, "488", 0.25, HERE)
    record.close()  # what the system does when a process dies
    for _ in range(2):  # and again, should the next one die before its first light
        with opened(tmp_path) as record:
            assert ledger_of(record).maps["488"].mean(*HERE) == pytest.approx(1.75)


def test_a_torn_last_entry_is_light_that_was_not_given(tmp_path: Path) -> None:
    with opened(tmp_path) as record:
        give(ledger_of(record), 1.0)
    with (tmp_path / "sample-dish 1.journal").open("ab") as journal:
        journal.write(b"\x00" * 11)
    (plane,) = read_sample(tmp_path, "dish 1").planes["488"]
    assert plane.at(np.array([10.0]), np.array([-20.0])) > 0.9


def test_a_journal_whose_light_is_in_the_record_already_is_not_added_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = opened(tmp_path)
    ledger = ledger_of(record)
    give(ledger, 1.0)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample_record, "Journal", die)
    with pytest.raises(KeyboardInterrupt):
        record.save(ledger.maps)
    monkeypatch.undo()
    record.close()
    with opened(tmp_path) as record:
        assert ledger_of(record).maps["488"].mean(*HERE) == pytest.approx(1.0)


def test_a_sample_is_open_in_one_run_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(SampleError, match="in use by another run"):
        opened(tmp_path)
    opened(tmp_path).close()


@pytest.mark.parametrize(
    "other", [Line(470.0, is_calibrated=True), Line(488.0, is_calibrated=False)], ids=str
)
def test_doses_that_cannot_be_added_up_are_not(tmp_path: Path, other: Line) -> None:
    with opened(tmp_path) as record:
        give(ledger_of(record), 1.0)
    with pytest.raises(SampleError, match="cannot be added up"):
        opened(tmp_path, {"488": other})
    opened(tmp_path).close()  # and the lock is not kept


def test_light_of_a_line_that_this_run_does_not_have_still_harms(tmp_path: Path) -> None:
    lines = {"405": Line(405.0, is_calibrated=True)}
    prints = {"405": PRINT["488"]}
    with SampleRecord(tmp_path, "dish 1", lines, prints) as record:
        record.note("405", *HERE, 2.0)
    with opened(tmp_path) as record:
        ledger = Ledger(
            {"488": 10.0},
            footprints=PRINT,
            before=record.taken.planes,
            harm={"488": 0.1, "405": 1.0},
            damage=2.5,
        )
        give(ledger, 4.0)
        assert ledger.damage(0) == pytest.approx(2.4, rel=1e-3)
        with pytest.raises(LightOverBudget, match="the damage of all lines"):
            give(ledger, 4.0)
        record.save(ledger.maps)
    assert set(read_sample(tmp_path, "dish 1").lines) == {"405", "488"}


@pytest.mark.parametrize("damage", ["record", "journal", "empty record"])
def test_a_damaged_record_is_said_and_no_light_is_given(tmp_path: Path, damage: str) -> None:
    with opened(tmp_path) as record:
        ledger = ledger_of(record)
        give(ledger, 1.0)
        record.save(ledger.maps)
        give(ledger, 1.0)
    kind = "journal" if damage == "journal" else "dose"
    path = tmp_path / f"sample-dish 1.{kind}"
    data = bytearray(path.read_bytes())
    data[40 if damage == "record" else 4] ^= 0xFF
    path.write_bytes(b"" if damage == "empty record" else bytes(data))
    with pytest.raises(SampleError, match="what it took is not known"):
        opened(tmp_path)
    with pytest.raises(SampleError):
        read_sample(tmp_path, "dish 1")


def test_light_that_cannot_be_written_down_is_not_given(tmp_path: Path) -> None:
    record = opened(tmp_path)
    ledger = ledger_of(record)
    record.close()  # as a full disk would
    with pytest.raises(SampleError, match="is closed"):
        give(ledger, 1.0)
    assert ledger.spent(0, "488") == 0
    assert ledger.totals() == {"488": 0}


def test_a_new_sample_took_nothing_and_leaves_nothing_when_only_read(tmp_path: Path) -> None:
    assert read_sample(tmp_path, "new").planes == {}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SampleError, match="cannot be used"):
        opened(tmp_path / "file")


def test_a_record_that_could_not_be_begun_anew_takes_no_more_light(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with opened(tmp_path) as record:
        ledger = ledger_of(record)
        give(ledger, 1.0)
        monkeypatch.setattr(sample_record, "Journal", full)
        with pytest.raises(SampleError, match="No space left"):
            record.save(ledger.maps)
        with pytest.raises(SampleError, match="closed"):
            give(ledger, 1.0)
    (plane,) = read_sample(tmp_path, "dish 1").planes["488"]
    assert plane.at(np.array([10.0]), np.array([-20.0])) == pytest.approx(PRINT["488"].peak)
