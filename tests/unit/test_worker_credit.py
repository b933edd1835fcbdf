from __future__ import annotations

import pytest

from lightloop.processes.worker import CREDIT, Credit


class Listener:
    def __init__(self) -> None:
        self.acks: list[tuple[int, int]] = []

    def ack(self, upto: int, credit: int) -> None:
        self.acks.append((upto, credit))


@pytest.mark.parametrize("frames", [1, 99, 100, 101, 5000])
def test_a_worker_that_looks_at_every_frame_never_runs_out_of_credit(frames: int) -> None:
    listener = Listener()
    credit = Credit(listener, is_stream=False)  # type: ignore[arg-type]
    left = 1 + sum(given for _, given in listener.acks)
    for seq in range(frames):
        told = len(listener.acks)
        left -= 1
        credit.used(seq)
        left += sum(given for _, given in listener.acks[told:])
        assert left >= CREDIT // 2
    assert all(upto <= frames - 1 for upto, _ in listener.acks)
    assert len(listener.acks) - 1 == frames // 100, "a message for a hundred frames"


def test_in_a_stream_the_next_shot_is_asked_for_after_each_frame() -> None:
    listener = Listener()
    credit = Credit(listener, is_stream=True)  # type: ignore[arg-type]
    for seq in range(3):
        credit.used(seq)
    assert listener.acks == [(0, 1), (1, 1), (2, 1)]
