"""A user's own policy: a Python file with one class that decides."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from acquire.errors import ScopeError

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy import Policy


class PolicyFileError(ScopeError, ValueError):
    """A user's policy file cannot be used."""


class OwnPolicyConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """A policy that the user wrote."""

    kind: Literal["python"]
    path: str
    """Python file with a class `Policy`; see docs/policies.md."""
    options: dict[str, float | int | str | bool] = {}
    """Handed to the class as keyword arguments."""


def load_policy(config: OwnPolicyConfig, first: Settings) -> Policy:
    """Run the file and make its `Policy`.

    The file must define ``class Policy`` whose constructor takes the first `Settings` (and the
    config's options), with a ``name`` and a ``decide(seen: Observation) -> Decision``. The file is
    the user's own program and may do what the user may; its decisions still pass the guard.

    Raises
    ------
    PolicyFileError
        If there is no such file or class, or the file fails.
    """
    path = Path(config.path)
    try:
        names = runpy.run_path(str(path), run_name="lightloop_policy")
        policy = names["Policy"](first, **config.options)
    except FileNotFoundError as error:
        raise PolicyFileError(f"policy file {path} does not exist") from error
    except KeyError as error:
        raise PolicyFileError(f"policy file {path}: it must define a class Policy") from error
    except Exception as error:
        raise PolicyFileError(f"policy file {path}: {type(error).__name__}: {error}") from error
    for needed in ("name", "decide"):
        if not hasattr(policy, needed):
            raise PolicyFileError(f"policy file {path}: its class Policy has no {needed!r}")
    return policy  # type: ignore[no-any-return]  # checked above as far as it can be
