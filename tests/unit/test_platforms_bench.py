"""Benches that break things by signals, on a system that has none."""

from __future__ import annotations

import signal

import pytest

from acquire.errors import ScopeError
from lightloop.bench import faults, posix
from lightloop.bench.report import Options


def test_a_bench_of_faults_is_refused_where_nothing_could_be_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posix, "STOP", 0)
    with pytest.raises(ScopeError, match="Linux or macOS"):
        faults.run(Options())


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signals here")
def test_where_there_are_signals_it_is_these() -> None:
    assert (posix.KILL, posix.STOP, posix.CONT) == (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)
    posix.refuse_without_signals("faults")
