"""The recorder: what the hub says goes to disk; what is safe there is acknowledged."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from realtime.errors import StreamError
from realtime.recording import Listener, Recording
from realtime.run_file import RunWriter, resume_point
from realtime.run_file.layout import COMPLETE, PARTIAL
from realtime.run_file.rolling import PART_BYTES
from realtime.run_file.sync import EVERY_S
from realtime.wire import End

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Listener", "Recorded", "record", "resume_point"]

logger = logging.getLogger(__name__)

START_S = 30.0
LAST_WORDS_MS = 1000  # how long a stopped recorder listens for what is still on its way


class RecordOptions(msgspec.Struct, frozen=True):
    """How a run file is written.

    Attributes
    ----------
    compress
        False stores every frame as it is.
    part_bytes
        A part of this size is closed, and the next one begun.
    sync_s
        How often the file is brought to the disk itself, s.
    restored
        Whether the images that the worker restores are kept, too.
    """

    compress: bool = True
    part_bytes: int = PART_BYTES
    sync_s: float = EVERY_S
    restored: bool = False


USUAL = RecordOptions()


class Recorded(msgspec.Struct, frozen=True):
    """What a recorder wrote: its last part, how the run ended, and its own counts.

    `n_raw` frames were not compressed: the disk took them as fast as they came. Of the restored
    images, `n_restored_lost` could not be kept.
    """

    path: str
    status: str
    n_frames: int
    n_gaps: int
    last_seq: int
    reason: str = ""
    n_raw: int = 0
    n_restored: int = 0
    n_restored_lost: int = 0


def record(
    client: Listener,
    path: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_ready: Callable[[], object] = lambda: None,
    options: RecordOptions = USUAL,
) -> Recorded:
    """Record a session until its end.

    Parameters
    ----------
    client
        A lossless listener; it resumes from `resume_point(path)`.
    path
        The run file. An interrupted recording of the same session goes on in a new part.
    should_stop
        True once nobody will send any more: the file is then closed as "partial".
    on_ready
        Called when the file is open and frames may come.
    options
        How the file is written.

    Raises
    ------
    RunFileError
        If the file cannot be made or written. What was acknowledged is safe.
    StreamError
        If no session answers.
    """
    start = client.start(START_S)
    with RunWriter(
        path,
        start,
        compress=options.compress,
        part_bytes=options.part_bytes,
        sync_s=options.sync_s,
        keeps_restored=options.restored,
    ) as writer:
        on_ready()
        recording = Recording(client, writer)
        end, reason = _listen(recording, should_stop)
        if end is not None:
            recording.flush()
        return _close(writer, _verdict(end, writer, reason), reason, options)


def _listen(recording: Recording, should_stop: Callable[[], bool]) -> tuple[End | None, str]:
    """Record until the end; return it, or why there is none."""
    silent_since_ns: int | None = None
    while True:
        try:
            message = recording.step()
        except StreamError as error:
            logger.warning("the stream broke off: %s", error)
            return None, str(error)
        if isinstance(message, End):
            return message, message.reason
        now_ns = time.perf_counter_ns()
        if message is not None or not should_stop():
            silent_since_ns = None
        elif silent_since_ns is None:
            silent_since_ns = now_ns
        elif now_ns - silent_since_ns > LAST_WORDS_MS * 1_000_000:
            return None, "the run stopped without an end"


def _verdict(end: End | None, writer: RunWriter, reason: str) -> str:
    """Return "complete" only if the run says so and its last frame was accounted for."""
    if end is None:
        return PARTIAL
    if end.status == COMPLETE and writer.last_seq < end.last_seq:
        logger.warning(
            "the run ended at frame %d, but only %d reached the recorder: %s",
            end.last_seq, writer.last_seq, reason,
        )  # fmt: skip
        return PARTIAL
    return end.status if end.status in (COMPLETE, PARTIAL) else PARTIAL


def _close(writer: RunWriter, status: str, reason: str, options: RecordOptions) -> Recorded:
    """Close the file, and say what it holds."""
    writer.close(status)
    logger.info(
        "recorded %d frames, %d of them in a hurry, as %s in %s",
        writer.n_frames, writer.n_raw if options.compress else 0, status, writer.path,
    )  # fmt: skip
    if writer.n_restored_lost:
        logger.warning(
            "%d of %d restored images were not kept: frames come first",
            writer.n_restored_lost, writer.n_restored + writer.n_restored_lost,
        )  # fmt: skip
    return Recorded(
        path=str(writer.path),
        status=status,
        n_frames=writer.n_frames,
        n_gaps=writer.n_gaps,
        last_seq=writer.last_seq,
        reason=reason,
        n_raw=writer.n_raw,
        n_restored=writer.n_restored,
        n_restored_lost=writer.n_restored_lost,
    )
