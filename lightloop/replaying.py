"""What a replay is asked besides: whether it decides the same, and what another policy would do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.build.pipeline import build_policy
from lightloop.config import ConfigError, parse, read_text
from realtime.replay.verify import verdict, verify_policy
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from realtime.policy import Policy

HEADER = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]")  # of a table, or of one in a list of tables
OPEN_LOOP = "open loop, what if {}: the light stays that of the recording"


def verify_decisions(run: Path, text: str, name: str) -> tuple[bool, str]:
    """Decide a run again by a config's policy, on what was seen then.

    Returns
    -------
    Whether every decision came out as recorded, byte for byte, and one sentence for the person.

    Raises
    ------
    RunFileError, ConfigError
        If the run or its config cannot be read.
    """
    config = parse(text, name)
    with RunReader(run) as reader:
        start = reader.start

        def new_policy() -> Policy:
            return build_policy(config, start.settings, start.cameras[0].calibration.read_noise_e)

        return verdict(verify_policy(reader, new_policy))


def policy_instead(text: str, name: str, asked: str) -> str:
    """Return a config with another policy in it.

    Parameters
    ----------
    asked
        "policy=fixed", a kind with its usual numbers; or "policy=other.toml", a file with a table
        [policy].

    Raises
    ------
    ConfigError
        If there is no such policy, or the config does not say its own in a table of its own.
    """
    what, _, value = asked.partition("=")
    if what.strip() != "policy" or not value.strip():
        raise ConfigError(
            f"--what-if takes policy=KIND or policy=FILE.toml, such as policy=fixed; got {asked!r}"
        )
    value = value.strip()
    table = _table_of(Path(value)) if value.endswith(".toml") else f'[policy]\nkind = "{value}"\n'
    text = f"{_without_policy(text, name)}\n\n{table}"
    parse(text, f"{name} with {asked}")
    return text


def _without_policy(text: str, name: str) -> str:
    rest, _ = _split(text)
    if "policy" in tomllib.loads(rest):
        raise ConfigError(f"{name}: write its policy as a table [policy], then it can be replaced")
    return rest


def _table_of(path: Path) -> str:
    """Return the table [policy] of a TOML file, as text."""
    text = read_text(path)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    _, table = _split(text)
    if not table:
        raise ConfigError(f"{path}: has no table [policy]")
    return table


def _split(text: str) -> tuple[str, str]:
    """Return the lines of a TOML text outside of its table [policy], and those inside."""
    lines: tuple[list[str], list[str]] = ([], [])
    is_policy = False
    for line in text.splitlines():
        if match := HEADER.match(line):
            is_policy = match[1].split(".")[0].strip() == "policy"
        lines[is_policy].append(line)
    return "\n".join(lines[0]) + "\n", "\n".join(lines[1])
