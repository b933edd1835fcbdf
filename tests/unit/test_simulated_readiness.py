from __future__ import annotations

import multiprocessing
from multiprocessing.connection import wait

from hypothesis import given
from hypothesis import strategies as st

from acquire.simulated.light.readiness import Readiness


@given(st.lists(st.sampled_from(["quiet", "speaks", "closes"]), min_size=1, max_size=6))
def test_it_finds_the_pipes_that_the_standard_library_finds(doings: list[str]) -> None:
    pipes = [multiprocessing.Pipe() for _ in doings]
    ours = [near for near, _ in pipes]
    for (_, far), doing in zip(pipes, doings, strict=True):
        if doing == "speaks":
            far.send_bytes(b"x")
        elif doing == "closes":
            far.close()
    assert set(Readiness(ours).wait(0.0)) == set(wait(ours, 0.0))
    for near, far in pipes:
        near.close()
        far.close()


def test_a_forgotten_pipe_is_not_listened_to() -> None:
    (a, b), (c, d) = multiprocessing.Pipe(), multiprocessing.Pipe()
    ready = Readiness([a, c])
    b.send_bytes(b"x")
    d.send_bytes(b"x")
    ready.forget(a)
    assert ready.wait(0.0) == [c]
    for pipe in (a, b, c, d):
        pipe.close()
