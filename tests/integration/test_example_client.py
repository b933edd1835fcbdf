"""docs/example_client.py does what it says, in a process that cannot import lightloop."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np

from realtime.stream.address import write_address
from realtime.wire import End, FrameMessage
from tests.stream_session import Session, answer, image, next_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "example_client.py"
END = End(-1, 0, 0, "complete", "a test", is_dark=True)


def test_the_example_is_short_and_needs_two_packages_beside_python() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert len(lines) <= 60
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imports <= {"json", "sys", "tempfile", "pathlib", "msgpack", "zmq"}


def test_the_example_sees_frames_survives_a_gap_and_ends_with_the_run(tmp_path: Path) -> None:
    session = Session(tmp_path)
    path = write_address(tmp_path, session.address)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    client = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLE), str(path)], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert session.hub.wait_for({"example"}, 30.0)
        with session.join("worker", "shots", 10) as worker:
            session.publish(range(1))
            for message in answer(next_of(worker, FrameMessage)):
                worker.send(message)
            assert session.hub.next_decision(5.0) is not None
            assert client.stdout is not None
            seen = [client.stdout.readline() for _ in range(3)]
            session.hub.lose(1, 3, "the camera overran")
            session.publish(range(4, 5))
            session.hub.finish(END)
            out, err = client.communicate(timeout=120.0)
    finally:
        client.kill()
        client.communicate()
        session.close()
    assert (client.returncode, err) == (0, "")
    lines = "".join(seen).splitlines() + out.splitlines()
    assert lines[0] == "start test live"
    assert "frame 0 (0 not seen): 488 nm, 10 ms, 0.005 J/cm2" in lines
    assert "frames 1 to 3 are lost: the camera overran" in lines
    assert "frame 4 (3 not seen): 488 nm, 10 ms, 0.005 J/cm2" in lines
    assert "decision 0 a test" in lines
    assert lines[-1] == "end: 0 frames, 0 gaps, complete"


def test_a_listener_that_has_every_frame_gets_the_digest_of_the_end(tmp_path: Path) -> None:
    session = Session(tmp_path)
    ours = hashlib.sha256()
    try:
        with session.join("recorder", "lossless", 100) as recorder:
            session.publish(range(3))
            session.hub.lose(3, 3, "the camera overran")
            session.publish(range(4, 6))
            for _ in range(5):
                frame = next_of(recorder, FrameMessage)
                assert np.array_equal(recorder.pixels(frame), image(frame.info.seq))
                ours.update(struct.pack("<QQ", frame.info.seq, frame.xxh3))
            recorder.ack(5, 5)
            session.hub.finish(END)
            assert next_of(recorder, End).digest == ours.hexdigest()
    finally:
        session.close()


def test_the_example_passes_over_a_session_whose_run_was_killed(tmp_path: Path) -> None:
    session = Session(tmp_path)
    living, dead = tmp_path / "lightloop-a", tmp_path / "lightloop-b"
    living.mkdir(mode=0o700)
    dead.mkdir(mode=0o700)
    write_address(living, session.address)
    gone = msgspec.to_builtins(session.address)
    gone["stream"] = f"ipc://{dead}/stream"
    (dead / "session.json").write_text(json.dumps(gone))  # the newest, and nobody is there
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    client = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLE)], cwd=tmp_path, text=True,
        env=environment | {"TMPDIR": str(tmp_path), "TEMP": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert session.hub.wait_for({"example"}, 30.0)
        session.hub.finish(END)
        out, err = client.communicate(timeout=120.0)
    finally:
        client.kill()
        client.communicate()
        session.close()
    assert (client.returncode, err) == (0, "")
    assert out.splitlines()[0] == "start test live"
