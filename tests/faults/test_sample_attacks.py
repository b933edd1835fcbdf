"""A sample's record whose run is killed in the light, or whose last entry is torn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from acquire.sample.record import SampleError, read_sample
from lightloop.config import parse
from lightloop.sample.account import FOLDER_VARIABLE, build_ledger
from lightloop.supervision.children import Child
from tests.faults.test_attacks import Watched, attack
from tests.faults.test_struck_streams import STREAM
from tests.run_helpers import task

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]
SAMPLED = STREAM + '\n[sample]\nid = "dish 7"\n'


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()  # one that is named is there
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def set_aside_j_cm2() -> float:
    """Return what is set aside for one window of the stream: half of the lease's margin."""
    config = parse(SAMPLED, "test")
    w_cm2 = config.light[0].irradiance_w_cm2(config.channel[0].power_fraction)
    on_ms = config.guard.lease_margin_ms / 2 + 4 * config.channel[0].exposure_ms
    return w_cm2 * on_ms * 1e-3


def taken_j_cm2(records: Path) -> float:
    """Return what the next run of the sample begins with, mean over the field."""
    config = parse(SAMPLED, "test")
    side_um = 128 * config.scope.pixel_um
    ledger = build_ledger(config, (side_um, side_um), taken=read_sample(records, "dish 7"))
    return ledger.spent(0, "488")


def test_the_light_of_a_run_that_is_killed_in_it_is_on_the_samples_record_however_that_is_torn(
    tmp_path: Path, records: Path
) -> None:
    def kill_lit(children: dict[str, Child], supervisor: Watched) -> None:
        while not supervisor.box.state().lit:
            pass
        children["scope"].process.kill()

    _, supervisor = attack(tmp_path, kill_lit, SAMPLED)
    assert supervisor.meter is not None
    metered = supervisor.meter.dose_j_cm2
    taken = taken_j_cm2(records)
    most = metered + set_aside_j_cm2()
    assert metered <= taken <= most, "at most what was set aside for a window more"
    (journal,) = records.glob("*journal*")
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[-30:-11])  # an entry that was being written
    assert taken_j_cm2(records) == pytest.approx(taken)
    (record,) = records.glob("*dose*")
    record.write_bytes(record.read_bytes()[:-7])
    with pytest.raises(SampleError, match="what it took is not known"):
        taken_j_cm2(records)
    after = Watched(task(tmp_path, config=SAMPLED))
    assert after.run().exit_code == 1
    assert after.meter is not None
    assert after.meter.dose_j_cm2 == 0.0, "nobody gives light to what may have had enough"
