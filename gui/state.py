"""What the run is doing, and what is known about the light. No Qt here.

OFFLINE ─ start ─▶ IDLE ─ frame ─▶ RUNNING ◀─ hold / release ─▶ HELD
                                      │ ▲
                                      │ └─ pause / resume ─▶ PAUSED
                                      │
                                      └─ end ─▶ DONE | STOPPED | FAULT (it may not be dark)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CONFIRM_WITHIN_NS = 250_000_000  # a person takes silence for obedience after about a quarter second


class RunState(StrEnum):
    """The word in the window's bar."""

    OFFLINE = "OFFLINE"
    IDLE = "IDLE"
    RUNNING = "RUNNING"
    HELD = "HELD"
    PAUSED = "PAUSED"
    DONE = "DONE"
    STOPPED = "STOPPED"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: a ground of the theme, an icon's name. The word is the state's own."""

    ground: str
    icon: str


LOOKS = {
    RunState.OFFLINE: Look("raised", "offline"),
    RunState.IDLE: Look("raised", "idle"),
    RunState.RUNNING: Look("accent", "running"),
    RunState.HELD: Look("warn", "held"),
    RunState.PAUSED: Look("warn", "held"),
    RunState.DONE: Look("good", "done"),
    RunState.STOPPED: Look("raised", "stopped"),
    RunState.FAULT: Look("alarm", "fault"),
}


class StopState(StrEnum):
    """The words on the STOP LIGHT button."""

    READY = "STOP LIGHT"
    STOPPING = "STOPPING..."
    DARK = "LIGHT OFF"
    NOT_CONFIRMED = "NOT CONFIRMED"


STOP_HINTS = {
    StopState.READY: "Esc, at any time",
    StopState.STOPPING: "reading back · Esc again",
    StopState.DARK: "read back · Esc again",
    StopState.NOT_CONFIRMED: "off at the laser! Esc again",
}
"""Under the word: how far it is, and always the key."""


class StopWatch:
    """From a person's STOP LIGHT to its confirmation. Silence is never taken for darkness."""

    def __init__(self) -> None:
        self.state = StopState.READY
        self.text = ""
        self._pressed_ns = 0

    def press(self, now_ns: int) -> None:
        """Note that a person asked for darkness."""
        self.state, self.text, self._pressed_ns = StopState.STOPPING, "", now_ns

    def tick(self, now_ns: int) -> None:
        """Let time pass; without an answer the state becomes "not confirmed"."""
        late = now_ns - self._pressed_ns >= CONFIRM_WITHIN_NS
        if self.state is StopState.STOPPING and late:
            self.state = StopState.NOT_CONFIRMED

    def answer(self, *, is_dark: bool, text: str = "") -> None:
        """Take the read-back, however late it comes."""
        self.state = StopState.DARK if is_dark else StopState.NOT_CONFIRMED
        self.text = text

    def light_again(self) -> None:
        """Note that light was given after the darkness was confirmed."""
        if self.state is StopState.DARK:
            self.state = StopState.READY


class LightWord(StrEnum):
    """The word of the light badge."""

    UNKNOWN = "LIGHT UNKNOWN"
    USED = "LIGHT IN USE"
    RECORDED = "RECORDED LIGHT"
    REFUSED = "LIGHT REFUSED"
    DARK = "LIGHT OFF"
    DOUBT = "LIGHT NOT CONFIRMED OFF"


@dataclass(frozen=True, slots=True)
class LightReading:
    """What is known about the light, and from where: never what was merely asked for."""

    word: LightWord = LightWord.UNKNOWN
    detail: str = "nothing read back yet"

    @property
    def look(self) -> Look:
        """How the badge is shown."""
        match self.word:
            case LightWord.USED:
                return Look("warn", "light_on")
            case LightWord.DOUBT:
                return Look("alarm", "fault")
            case LightWord.DARK | LightWord.REFUSED:
                return Look("raised", "light_off")
            case _:
                return Look("raised", "idle")
