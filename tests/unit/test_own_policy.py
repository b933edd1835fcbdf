from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightloop.build.own_policy import Checked, OwnPolicyConfig, PolicyFileError, load_policy
from tests.unit.policy_samples import FIRST, Sample, light_of
from tests.unit.written_policy import example

GOOD = "class Policy:\n    name = 'mine/1'\n    def __init__(self, first): pass\n"
DECIDES = "    def decide(self, seen): return None\n"


@pytest.fixture(autouse=True)
def search_path_is_as_before() -> Iterator[None]:
    before = sys.path.copy()
    yield
    sys.path[:] = before


def written(tmp_path: Path, text: str) -> OwnPolicyConfig:
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    return OwnPolicyConfig(kind="python", path=str(path))


@pytest.mark.parametrize("target_e", [5.0, 40.0])
def test_the_example_of_the_guide_brings_cells_to_the_brightness_that_is_asked_for(
    tmp_path: Path, target_e: float
) -> None:
    policy = load_policy(example(tmp_path, target_e=target_e), FIRST)
    sample, settings = Sample(brightness=2.0), FIRST
    for _ in range(20):
        settings = policy.decide(sample.see(settings)).settings
    assert 2.0 * light_of(settings) == pytest.approx(target_e, rel=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must define a class Policy"),
        ("Policy = 3", "must define a class Policy"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("class Policy(", "SyntaxError"),
        ("open('no such table.csv')", "FileNotFoundError: .*no such table"),
        (GOOD, r"no method decide\(seen\)"),
        (GOOD.replace("'mine/1'", "3") + DECIDES, "needs a name"),
        (GOOD.replace("pass", "{}['gain']") + DECIDES, "KeyError: 'gain'"),
        (GOOD.replace("first", "first, gain") + DECIDES, "missing 1 required .*'gain'"),
    ],
)
def test_a_file_that_is_no_policy_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyFileError, match=rf"mine\.py: .*{said}"):
        load_policy(written(tmp_path, text), FIRST)


def test_a_missing_file_is_said_to_be_missing_and_where(tmp_path: Path) -> None:
    config = OwnPolicyConfig(kind="python", path="not_there.py")
    with pytest.raises(PolicyFileError, match=r"not_there\.py does not exist \(looked in "):
        load_policy(config, FIRST)


def test_a_policy_may_import_what_lies_beside_it_and_hides_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "my_rules_of_light.py").write_text("NAME = 'beside/1'", "utf-8")
    (tmp_path / "models.py").write_text("raise RuntimeError('not this one')", "utf-8")
    text = "from my_rules_of_light import NAME\nimport models\n"
    config = written(tmp_path, text + GOOD.replace("'mine/1'", "NAME") + DECIDES)
    assert load_policy(config, FIRST).name == "beside/1"
    del sys.modules["my_rules_of_light"]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("return 'more light!'", r"must return a Decision, not 'more light!'"),
        ("return None", r"must return a Decision, not None"),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_policy_that_fails_in_mid_run_is_told_by_its_file(
    tmp_path: Path, does: str, said: str
) -> None:
    policy = load_policy(written(tmp_path, f"{GOOD}    def decide(self, seen): {does}\n"), FIRST)
    with pytest.raises(PolicyFileError, match=rf"mine\.py: .*{said}"):
        policy.decide(Sample(brightness=2.0).see(FIRST))


LASTS = (
    GOOD
    + DECIDES
    + "    def state(self, position): return {state}\n"
    + "    def resume(self, position, state): self.name = state.decode()\n"
)


def test_what_a_users_policy_has_learnt_outlives_its_worker_if_it_says_so(tmp_path: Path) -> None:
    lasting = load_policy(written(tmp_path, LASTS.format(state="b'%d' % position")), FIRST)
    assert isinstance(lasting, Checked)
    assert lasting.state(3) == b"3"
    lasting.resume(3, b"3")
    for fault, said in (("1 / 0", "ZeroDivisionError"), ("'text'", "must return bytes")):
        bad = load_policy(written(tmp_path, LASTS.format(state=fault)), FIRST)
        assert isinstance(bad, Checked)
        with pytest.raises(PolicyFileError, match=rf"mine\.py: .*{said}"):
            bad.state(0)
        with pytest.raises(PolicyFileError, match="UnicodeDecodeError"):
            bad.resume(0, b"\xff")
    plain = load_policy(written(tmp_path, GOOD + DECIDES), FIRST)
    assert isinstance(plain, Checked)
    assert plain.state(0) == b""
    plain.resume(0, b"3")
