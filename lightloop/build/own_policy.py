"""A user's own policy: a Python file with one class that decides."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel

from acquire.errors import ScopeError
from realtime.memory import Lasting
from realtime.policy import Decision

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy import Observation, Policy


class PolicyFileError(ScopeError, ValueError):
    """A user's policy file cannot be used."""


class OwnPolicyConfig(BaseModel, frozen=True, extra="forbid"):
    """A policy that the user wrote."""

    kind: Literal["python"]
    path: str
    """Python file with a class `Policy`; see docs/policies.md."""
    options: dict[str, float | int | str | bool] = {}
    """Handed to the class as keyword arguments."""


def load_policy(config: OwnPolicyConfig, first: Settings) -> Policy:
    """Run the file and make its `Policy`.

    The file must define ``class Policy`` whose constructor takes the first `Settings` (and the
    config's options), with a ``name`` and a ``decide(seen: Observation) -> Decision``. It may
    import modules that lie beside it. The file is the user's own program and may do what the user
    may; its decisions still pass the guard.

    Raises
    ------
    PolicyFileError
        If there is no such file or class, or the file fails.
    """
    path = Path(config.path)
    make = _class_in(path)
    try:
        policy = make(first, **config.options)
    except Exception as error:  # the user's program may raise anything
        raise PolicyFileError(_blame(path, error)) from error
    if not isinstance(getattr(policy, "name", None), str):
        raise PolicyFileError(f"policy file {path}: its class Policy needs a name, such as 'mine'")
    if not callable(getattr(policy, "decide", None)):
        raise PolicyFileError(f"policy file {path}: its class Policy has no method decide(seen)")
    return Checked(cast("Policy", policy), path)


class Checked:
    """A user's policy, whose faults are told as such: which file, and what it did.

    Attributes
    ----------
    name
        As the policy calls itself.
    """

    def __init__(self, policy: Policy, path: Path) -> None:
        self.name = policy.name
        self._policy, self._path = policy, path

    def decide(self, seen: Observation) -> Decision:
        """Return the policy's proposal.

        Raises
        ------
        PolicyFileError
            If it raises an error, or returns anything but a `Decision`.
        """
        try:
            decision: object = self._policy.decide(seen)
        except Exception as error:  # as above
            raise PolicyFileError(_blame(self._path, error)) from error
        if not isinstance(decision, Decision):
            raise PolicyFileError(
                f"policy file {self._path}: decide(seen) must return a Decision, not {decision!r}"
            )
        return decision

    def state(self, position: int) -> bytes:
        """Return what the policy has learnt of a field; nothing if it does not say.

        Raises
        ------
        PolicyFileError
            If it raises an error, or returns anything but bytes.
        """
        if not isinstance(self._policy, Lasting):
            return b""
        try:
            state: object = self._policy.state(position)
        except Exception as error:  # as above
            raise PolicyFileError(_blame(self._path, error)) from error
        if not isinstance(state, bytes):
            raise PolicyFileError(
                f"policy file {self._path}: state(position) must return bytes, not {state!r:.80}"
            )
        return state

    def resume(self, position: int, state: bytes) -> None:
        """Let the policy go on with a field where another one left it.

        Raises
        ------
        PolicyFileError
            If it raises an error.
        """
        if not isinstance(self._policy, Lasting):
            return
        try:
            self._policy.resume(position, state)
        except Exception as error:  # as above
            raise PolicyFileError(_blame(self._path, error)) from error


def _class_in(path: Path) -> Any:
    """Run a file and return the `Policy` that it defines."""
    if not path.is_file():
        raise PolicyFileError(f"policy file {path} does not exist (looked in {Path.cwd()})")
    beside = str(path.resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)  # last: a models.py of the user's must not hide ours
    try:
        found = runpy.run_path(str(path), run_name="lightloop_policy")
    except Exception as error:  # as above
        raise PolicyFileError(_blame(path, error)) from error
    if not callable(found.get("Policy")):
        raise PolicyFileError(f"policy file {path}: it must define a class Policy")
    return found["Policy"]


def _blame(path: Path, error: Exception) -> str:
    return f"policy file {path}: {type(error).__name__}: {error}"
