"""One recording, replayed again and again while everything stalls: the decisions stay the same.

The full length is 100 replays (`lightloop bench replay --assert`). Sabotage: the worker of every
replay forgets all that it knows in mid-run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from lightloop.bench.disk import scratch
from lightloop.bench.replay_stand import Stand, busy, flip_a_byte, record_run, with_another_block
from lightloop.bench.report import Measured, Options
from realtime.errors import RunFileError
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from pathlib import Path

    from realtime.replay.verify import Verifier

REPLAYS, BLOCKS = 100, 10
NEED_BYTES = 50_000_000


def run(options: Options) -> Measured:
    """Record a run, and replay it under stalls and load; change blocks of pixels, and find them."""
    replays = options.times(REPLAYS, least=2)
    rng = random.Random(1)
    with scratch(NEED_BYTES) as folder:
        path = record_run(folder)
        stand = Stand(path, forgets=options.sabotage)
        unlike, same, stalls = 0, 0, 0
        with busy(2):
            for number in range(replays):
                verifier, n_stalls = stand.replay(path, folder / f"{number}", rng)
                unlike += len(verifier.differences) + len(verifier.missing)
                same += verifier.n_same
                stalls += n_stalls
        missed = sum(
            not _is_found(stand, path, folder / f"block{n}", rng)
            for n in range(options.times(BLOCKS, least=2))
        )
    return Measured(
        {"replay_unlike_decisions": float(unlike), "replay_blocks_missed": float(missed)},
        table=f"{replays} replays with {stalls} stalls: {same} decisions equal, byte for byte",
    )


def _is_found(stand: Stand, path: Path, folder: Path, rng: random.Random) -> bool:
    """Change a block of one frame, in the file and, with all sums put right, in a copy."""
    folder.mkdir()
    with RunReader(path) as reader:
        seq = rng.choice([info.seq for info in reader.infos])
    flip_a_byte(path, folder / "flipped.h5", seq, rng)
    try:
        stand.replay(folder / "flipped.h5", folder / "a", rng)
        return False
    except RunFileError as error:
        if f"frame {seq} is damaged" not in str(error):
            return False
    with_another_block(path, folder / "forged.h5", seq, rng)
    verifier: Verifier = stand.replay(folder / "forged.h5", folder / "b", rng)[0]
    return verifier.first is not None and verifier.first.seq == seq
