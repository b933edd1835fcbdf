"""Why a frame was taken with the light that it got, as one sentence for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.frame import FrameInfo
from realtime.errors import RunFileError
from realtime.importing.importer import LIGHT
from realtime.policy.decision import Decision
from realtime.wire import AppliedMessage

if TYPE_CHECKING:
    from realtime.run_file import RunReader

# Inputs of the policies that come along (realtime.policy), in a biologist's words: what it is, and
# how much. Light is what `realtime.policy.light.light_of` says: exposure times power.
_WORDS = {
    "snr": ("SNR of a cell in that shot", "{:.3g}"),
    "snr_pooled": ("SNR over the last shots", "{:.3g}"),
    "target_snr": ("SNR that is wanted", "{:.3g}"),
    "signal_e": ("signal of a cell", "{:.3g} photo-electrons a pixel"),
    "background_e": ("background", "{:.3g} photo-electrons a pixel"),
    "read_noise_e": ("read noise of the camera", "{:.3g} electrons a pixel"),
    "n_confirmed": ("confirmed cells", "{:.0f}"),
    "saturated_fraction": ("saturated pixels", "{:.2%}"),
    "exposure_ms": ("exposure", "{:.3g} ms"),
    "power_fraction": ("power", "{:.3g} of full"),
    "light_now": ("light of that shot", "{:.3g} ms at full power"),
    "light_factor": ("light for that SNR", "{:.3g} times as much"),
    "light_error": ("uncertainty of that", "{:.0%}"),
    "bleaching": ("more light for bleaching", "{:.2%} a shot"),
    "light_ceiling": ("light at most", "{:.3g} ms at full power"),
    "light_next": ("light that was asked for", "{:.3g} ms at full power"),
    "trend": ("trend", "{:+.2g}"),
    "drawn_planes_miss": ("drawn planes miss", "{:.0%} of the contrast"),
    "drawn_planes_miss_at_least": ("surely at least", "{:.0%} of the contrast"),
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
        The same as one sentence, without the numbers that the policy saw.
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
        whose = (
            f" when it was recorded; after shot {decision.id} {decision.policy} would have said"
            if is_proposal
            else f", as {decision.policy} decided after shot {decision.id}"
        )
        text += f"{whose}: {decision.reason}"
    if used.clamped:
        text += f"; the light guard gave less than was asked: {used.clamped}"
    if used.late:
        text += f"; no newer decision had come in time for {used.late} shot(s)"
    return text + "."


def numbers(decision: Decision) -> list[tuple[str, str]]:
    """Return what a decision was made from, for a person: each number's name, and it in its unit.

    Those that are known come in the order of a thought; a policy's own follow as it named them.
    """
    order = {name: place for place, name in enumerate(_WORDS)}
    names = sorted(decision.inputs, key=lambda name: order.get(name, len(order)))
    return [in_words(name, decision.inputs[name]) for name in names]


def in_words(name: str, value: float) -> tuple[str, str]:
    """Return what one input of a decision is, and how much, with its unit where we know it."""
    what, text = _WORDS.get(name, (name, "{:.4g}"))
    return what, text.format(value)
