"""A run goes through the real hub to disk, is replayed through another, and is recorded again."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import numpy as np
import pytest

from realtime.client import StreamClient
from realtime.hub import Hub
from realtime.player import play, replay_start
from realtime.recorder import Recorded, record
from realtime.replay.verify import Verifier
from realtime.ring import Ring
from realtime.run_file import RunReader, resume_point
from realtime.stream.address import local_address
from realtime.wire import (
    AppliedMessage,
    DecisionMessage,
    End,
    FrameMessage,
    Gap,
    Result,
    RingInfo,
)
from tests.unit import run_samples as samples

N_SHOTS, N_FRAMES = 12, 2


class Recorder(threading.Thread):
    def __init__(self, address, path: Path) -> None:
        super().__init__(name="recorder")
        self.address, self.path = address, path
        self.done: Recorded | None = None
        self.start()

    def run(self) -> None:
        resume_from = resume_point(self.path)
        with StreamClient(self.address, "recorder", "lossless", 16, resume_from) as client:
            self.done = record(client, self.path)


class Worker(threading.Thread):
    """Answers each whole shot; what it decides depends on the pixels and on all before."""

    def __init__(self, address) -> None:
        super().__init__(name="worker")
        self.address = address
        self.start()

    def run(self) -> None:
        memory = 0.0
        with StreamClient(self.address, "worker", "shots", 1000) as client:
            client.start(10.0)
            seqs: list[int] = []
            while True:
                got = client.receive(10_000)
                if got is None or isinstance(got[1], End):
                    return
                if not isinstance(message := got[1], FrameMessage):
                    continue
                memory = 0.5 * memory + float(client.pixels(message).mean())
                client.check(message)
                seqs.append(message.info.seq)
                client.ack(message.info.seq, 1)
                if message.info.ends_shot:
                    shot = message.info.shot.number
                    client.send(samples.result(shot, seqs, snr=memory))
                    client.send(DecisionMessage(samples.decision(shot, seqs, memory, memory)))
                    seqs = []


def serve(folder: Path, start, path: Path, drive) -> Recorded:
    """Run a hub with recorder and worker; `drive(hub)` stands for the microscope."""
    folder.mkdir()
    with Ring.create(f"ll_{uuid.uuid4().hex[:10]}", 8, 2 * 16 * 24) as ring:
        with Hub(local_address(folder), start(ring.info), ring) as hub:
            threads = [Recorder(hub.address, path), Worker(hub.address)]
            try:
                assert hub.wait_for({"recorder", "worker"}, 10.0)
                drive(hub)
            finally:
                for thread in threads:
                    thread.join(15.0)
        assert not any(thread.is_alive() for thread in threads)
        done = threads[0].done
        assert isinstance(done, Recorded)
        return done


def acquire(hub: Hub) -> None:
    """Twelve shots in event mode, each with the light of the decision before; one shot is lost."""
    exposure_ms, decision_id = 10.0, -1
    for shot in range(N_SHOTS):
        used = samples.applied(exposure_ms, decision_id)
        seqs = range(shot * N_FRAMES, (shot + 1) * N_FRAMES)
        hub.send(AppliedMessage(shot, decision_id, seqs[0], (used,)))
        if shot == 5:
            hub.lose(seqs[0], seqs[-1], "camera_overrun")
            continue
        for seq in seqs:
            hub.publish(samples.info(seq, n_frames=N_FRAMES, applied=used), samples.image(seq))
        answer = hub.next_decision(10.0)
        assert answer is not None
        exposure_ms, decision_id = answer[1].settings.channels[0].exposure_ms, answer[1].id
    assert hub.finish(samples.end(N_SHOTS * N_FRAMES, n_gaps=1))


def live_start(ring: RingInfo):
    first = samples.start()
    return type(first)(
        first.session_id, 0, first.t_utc_ns, first.cameras, ring, first.settings, mode="event"
    )


@pytest.mark.timeout(300)
def test_a_replay_gives_the_same_frames_gaps_and_decisions_again(tmp_path: Path) -> None:
    live, again = tmp_path / "live.h5", tmp_path / "again.h5"
    assert serve(tmp_path / "a", live_start, live, acquire).status == "complete"

    with RunReader(live) as reader:
        assert len(reader.infos) == (N_SHOTS - 1) * N_FRAMES
        assert len(reader.decisions) == N_SHOTS - 1
        verifier = Verifier(reader)
        done = serve(
            tmp_path / "b",
            lambda ring: replay_start(reader, ring),
            again,
            lambda hub: play(reader, hub, "step", on_decision=verifier.compare),
        )
        assert done.status == "complete"
        assert (verifier.n_same, verifier.first, verifier.missing) == (N_SHOTS - 1, None, [])

        with RunReader(again) as second:
            assert second.infos == reader.infos
            assert (second.gaps, second.applied) == (reader.gaps, reader.applied)
            assert second.decisions == reader.decisions
            assert (second.end, second.start.origin) == (reader.end, "replay of live.h5")
            for info in reader.infos:
                np.testing.assert_array_equal(second.pixels(info.seq), reader.pixels(info.seq))
            kinds = (FrameMessage, Gap, AppliedMessage, Result, DecisionMessage)
            orders = [
                [type(d) for d in run.documents() if isinstance(d, kinds)]
                for run in (reader, second)
            ]
            assert orders[0] == orders[1]
