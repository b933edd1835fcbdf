"""Replay as the regression test: the worker must decide what it decided then, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from realtime.memory.known import Lasting
from realtime.replay.changes import FieldChange, changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.policy.decision import Decision, Policy
    from realtime.replay.agreement import Tolerance
    from realtime.run_file import RunReader
    from realtime.wire import Result


class Difference(msgspec.Struct, frozen=True):
    """Two answers about one shot that are not the same.

    Attributes
    ----------
    shot, seq
        The shot, and its first frame (-1 if no result names it).
    decision
        What differs in the decision.
    observation
        What differs in what was seen; where the decision's difference comes from.
    note
        What else a person should know.
    """

    shot: int
    seq: int
    decision: tuple[FieldChange, ...]
    observation: tuple[FieldChange, ...]
    note: str = ""

    def __str__(self) -> str:
        how = "seen" if self.observation and not self.decision else "decided"
        lines = [f"shot {self.shot} (frame {self.seq}) is {how} differently"]
        lines += [f"  decision  {change}" for change in self.decision]
        lines += [f"  seen      {change}" for change in self.observation]
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)


class Verifier:
    """Compares a worker's new answers with the recorded ones.

    Parameters
    ----------
    allow
        Given the recorded and the new `model_id`, what they may differ by; None where every byte of
        what was seen and of what was decided must be equal.

    Attributes
    ----------
    n_same, n_close, n_cut
        Answers that were equal, byte for byte; those within the tolerance; and those to shots that
        were seen alike, but whose recording breaks off before the decision.
    differences
        The others, in the order in which they came.
    tolerance
        What was allowed at last; None if only equal bytes were.
    """

    def __init__(
        self,
        reader: RunReader,
        allow: Callable[[str, str], Tolerance | None] = lambda recorded, replayed: None,
    ) -> None:
        self.n_same = self.n_close = self.n_cut = 0
        self.differences: list[Difference] = []
        self.tolerance: Tolerance | None = None
        self._reader = reader
        self._allow = allow
        self._decisions: dict[int, Decision] = {}
        for decision in reader.decisions:
            self._decisions.setdefault(decision.id, decision)
        self._places: dict[int, int] = {}
        self._restarts: list[int] = []
        self._last_words = {len(reader.results) - 1}  # of each worker
        for place, result in enumerate(reader.results):
            self._places.setdefault(result.shot, place)
            if result.is_fresh and place > 0:
                self._restarts.append(result.shot)
                self._last_words.add(place - 1)
        self._open = set(self._decisions)

    @property
    def first(self) -> Difference | None:
        """The first difference, where one begins to look for the cause."""
        return self.differences[0] if self.differences else None

    @property
    def missing(self) -> list[int]:
        """Shots that were decided in the recording, but not (yet) in the replay."""
        return sorted(self._open)

    def compare(self, result: Result, decision: Decision) -> Difference | None:
        """Compare one answer; None if it is the recorded one."""
        shot = decision.id
        recorded = self._decisions.get(shot)
        self._open.discard(shot)
        seq = min(result.seqs, default=-1)
        place = self._places.get(result.shot)
        old = self._reader.results[place] if place is not None else None
        is_seen_alike = old is None or _seen(old) == _seen(result)
        if recorded is None and place in self._last_words and is_seen_alike:
            self.n_cut += 1  # whoever wrote it was killed between the two
            return None
        if recorded is None:
            difference = Difference(shot, seq, (), (), "the recording holds no decision on it")
            self.differences.append(difference)
            return difference
        if is_seen_alike and msgspec.msgpack.encode(recorded) == msgspec.msgpack.encode(decision):
            self.n_same += 1
            return None
        excess = "" if old is None else self._excess(old, result, recorded, decision)
        if excess is None:
            self.n_close += 1
            return None
        seen = () if old is None else changes(old.observation, result.observation)
        if old is not None and not seen and not is_seen_alike:
            seen = changes((old.tracks, old.events), (result.tracks, result.events))
        versions = _versions(recorded.policy, decision.policy)
        note = ". ".join(filter(None, (versions, excess, self._note(shot))))
        difference = Difference(shot, seq, changes(recorded, decision), seen, note)
        self.differences.append(difference)
        return difference

    def _excess(
        self, old: Result, new: Result, recorded: Decision, decision: Decision
    ) -> str | None:
        """Return None if two answers are as close as they need to be; else what speaks against."""
        self.tolerance = self._allow(old.model_id, new.model_id)
        if self.tolerance is None:
            return ""
        found = self.tolerance.excess(old.observation, new.observation)
        snr = old.observation.snr
        found = found or self.tolerance.excess_light(recorded, decision, snr)
        return f"beyond the tolerance of the network: {found}" if found else None

    def _note(self, shot: int) -> str:
        restarts = [at for at in self._restarts if at <= shot]
        if not restarts:
            return ""
        return (
            f"the recorded worker was started anew at shot {restarts[-1]}: its memory began there"
        )


def verify_policy(reader: RunReader, new_policy: Callable[[], Policy]) -> Verifier:
    """Decide again on what was seen then: no image, no network, no process, on any machine.

    Parameters
    ----------
    new_policy
        Makes the policy; called again where the recorded worker was started anew. A shot that the
        new worker answered once more was decided on by the old one; only that is compared.
    """
    verifier = Verifier(reader)
    policy: Policy | None = None
    last = -1
    learnt: dict[tuple[int, int], bytes] = {
        (result.position, result.recalled.shot): b""
        for result in reader.results
        if result.recalled is not None and "policy" in result.recalled.learnt
    }
    for result in reader.results:
        if policy is None or result.is_fresh:
            policy = new_policy()
        _go_on(policy, result, learnt)
        decision = policy.decide(result.observation)
        if (result.position, result.shot) in learnt and isinstance(policy, Lasting):
            learnt[result.position, result.shot] = policy.state(result.position)
        if result.shot != last:
            verifier.compare(result, decision)
        last = result.shot
    return verifier


def _go_on(policy: Policy, result: Result, learnt: dict[tuple[int, int], bytes]) -> None:
    """Let a policy that was begun anew take up a field as the recorded one did."""
    recalled = result.recalled
    if recalled is not None and "policy" in recalled.learnt and isinstance(policy, Lasting):
        policy.resume(result.position, learnt[result.position, recalled.shot])


def verdict(verifier: Verifier) -> tuple[bool, str]:
    """Return whether a recording was confirmed, and one sentence for the person."""
    first, missing, n_same = verifier.first, verifier.missing, verifier.n_same
    if first is not None:
        return False, str(first)
    if missing:
        shots = ", ".join(map(str, missing[:5]))
        return False, f"{len(missing)} recorded decisions did not come again: shots {shots}"
    if n_same + verifier.n_close == 0:
        return False, "nothing to verify: the recording holds no decisions"
    if verifier.tolerance is None:
        return True, f"verified: {n_same} decisions are equal to the recorded ones, byte for byte"
    return True, (
        f"verified: {verifier.n_close} decisions agree with the recorded ones within the network's "
        f"tolerance ({verifier.tolerance.rms:.3g} of the noise), {n_same} byte for byte "
        f"({verifier.tolerance.words})"
    )


def _versions(recorded: str, replayed: str) -> str:
    """Return what is to be said where another policy decided, or another version of it."""
    if recorded == replayed:
        return ""
    return (
        f"{recorded} decided in the recording, and here {replayed} does: only the lightloop that "
        "made a recording decides the same again"
    )


def _seen(result: Result) -> bytes:
    """Return all that a shot's images decide; the rest is time, place and name."""
    seen = (result.shot, result.position, result.seqs, result.observation)
    return msgspec.msgpack.encode((*seen, result.tracks, result.events))
