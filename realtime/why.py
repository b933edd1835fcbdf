"""Why a frame was taken with the light that it got, as one sentence for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.frame import FrameInfo
from realtime.errors import RunFileError
from realtime.importing import LIGHT
from realtime.policy.decision import Decision
from realtime.wire import AppliedMessage

if TYPE_CHECKING:
    from realtime.run_file import RunReader

# Inputs of the policies that come along (realtime.policy), in a biologist's words. Light is what
# `realtime.policy.light.light_of` says: exposure times power.
_WORDS = {
    "snr": "SNR {:.3g}",
    "target_snr": "target SNR {:.3g}",
    "signal_e": "signal {:.3g} e- a pixel",
    "background_e": "background {:.3g} e- a pixel",
    "read_noise_e": "read noise {:.3g} e- a pixel",
    "n_confirmed": "{:.0f} confirmed cells",
    "saturated_fraction": "{:.2%} of pixels saturated",
    "exposure_ms": "exposure {:.4g} ms",
    "power_fraction": "power {:.1%} of full",
    "light_now": "light {:.4g} ms at full power",
    "light_next": "next {:.4g} ms at full power",
    "light_factor": "the target needs {:.3g} times the light",
    "light_error": "which is known to {:.0%}",
    "snr_pooled": "SNR {:.3g} over the last shots",
    "light_ceiling": "at most light {:.3g} ms at full power",
    "bleaching": "bleaching asks for {:.2%} more light a shot",
    "trend": "trend {:+.2g}",
}


class Why(msgspec.Struct, frozen=True):
    """Why a frame was taken with the light that it got.

    Attributes
    ----------
    decision
        The proposal in force; None under the run's first settings.
    based_on
        The frames that the proposal was made from, as far as they are recorded.
    applied
        What the guard made of it; None if it was not recorded.
    text
        The same as one sentence.
    """

    frame: FrameInfo
    decision: Decision | None
    based_on: tuple[FrameInfo, ...]
    applied: AppliedMessage | None
    text: str


def why(reader: RunReader, seq: int) -> Why:
    """Return why a frame got the light that it got.

    Raises
    ------
    RunFileError
        If the run has no such frame.
    """
    info = reader.message(seq).info
    used = info.applied
    made = next((a for a in reader.applied if a.shot == info.shot.number), None)
    decision = next((d for d in reader.decisions if d.id == used.decision_id), None)
    if used.decision_id >= 0 and decision is None:
        raise RunFileError(
            f"{reader.name}: frame {seq} was taken under decision {used.decision_id}, "
            "which the run does not hold"
        )
    based_on: tuple[FrameInfo, ...] = ()
    if decision is not None:
        known = {frame.seq: frame for frame in reader.infos}
        based_on = tuple(known[s] for s in decision.based_on if s in known)
    is_proposal = is_open_loop(reader.start.origin)  # a replay that decided otherwise
    return Why(info, decision, based_on, made, _sentence(info, decision, is_proposal=is_proposal))


def is_open_loop(origin: str) -> bool:
    """Whether the decisions of a file are proposals: a replay that asked "what if"."""
    return ", open loop, " in origin


def _sentence(info: FrameInfo, decision: Decision | None, *, is_proposal: bool) -> str:
    used = info.applied
    power = f"at {100 * used.power_fraction:.3g} % of full power"
    text = (
        f"Frame {info.seq} (shot {info.shot.number}, field {info.shot.position}) got "
        f"{used.exposure_ms:g} ms of {used.channel} "
        f"{power if used.light != LIGHT else '(power not recorded)'}"
    )
    if decision is None and used.light == LIGHT:
        text += ", as whoever made the recording chose"
    elif decision is None:
        text += ", the run's first settings"
    else:
        numbers = ", ".join(in_words(name, value) for name, value in decision.inputs.items())
        whose = (
            f" when it was recorded; after shot {decision.id} {decision.policy} would have said"
            if is_proposal
            else f", as {decision.policy} decided after shot {decision.id}"
        )
        text += f"{whose}: {decision.reason}"
        text += f" ({numbers})" if numbers else ""
    if used.clamped:
        text += f"; the light guard gave less than was asked: {used.clamped}"
    if used.late:
        text += f"; no newer decision had come in time for {used.late} shot(s)"
    return text + "."


def in_words(name: str, value: float) -> str:
    """Return one input of a decision in plain words, with its unit where we know it."""
    text = _WORDS.get(name)
    return text.format(value) if text is not None else f"{name} {value:.4g}"
