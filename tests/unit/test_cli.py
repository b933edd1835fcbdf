"""The command line: what it prints, where, and the status it leaves with."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import msgspec
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import lightloop.supervise
from acquire.errors import DeviceMissing, LightNotDark, ScopeError
from lightloop.cli import app
from lightloop.cli.door import PIPE_WIDTH, exit_status, paper, wants_window
from lightloop.cli.recorded import file_and_dataset
from lightloop.cli.summary_table import summary_table
from lightloop.config import ConfigError
from lightloop.status import NOT_DARK
from lightloop.summary import Summary
from lightloop.supervise import Outcome
from lightloop.task import RunTask
from models.errors import ModelError
from tests.unit import run_samples as samples

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = str(CONFIGS / "demo.toml")
SUMMARY = Summary(
    frames=12,
    shots=6,
    gaps=1,
    late=2,
    dose={"488": 1.25},
    reference_dose={"488": 5.0},
    dose_unit="J/cm2",
    latency_ms={"restore": (7.0, 9.5), "host to devices": (8.25, 12.0)},
    status="complete",
    reason="the plan is done",
    is_dark=True,
    divisions=3,
    cells=41,
)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[RunTask]:
    """Take the supervisor's place, and keep what it would have been asked."""
    asked: list[RunTask] = []

    def supervise(task: RunTask) -> Outcome:
        asked.append(task)
        return Outcome(0, SUMMARY, SUMMARY.reason)

    monkeypatch.setattr(lightloop.supervise, "supervise", supervise)
    return asked


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("seen_px", "is_told"), [(0.0, False), (24.0, False), (41.0, True)])
def test_a_run_whose_cells_are_of_another_size_says_so_at_its_end(
    monkeypatch: pytest.MonkeyPatch, seen_px: float, *, is_told: bool
) -> None:
    seen = msgspec.structs.replace(SUMMARY, cell_px=seen_px)
    monkeypatch.setattr(lightloop.supervise, "supervise", lambda task: Outcome(0, seen, ""))
    _, _, stderr = call("run", DEMO, "--headless")
    told = "detect.diameter_px says 20"
    assert (told in stderr) is is_told


def printed(summary: Summary, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=PIPE_WIDTH).print(summary_table(summary))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_demo_asks_for_what_its_flags_say(tasks: list[RunTask], tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    code, said, _ = call("demo", "--headless", "--frames", "7", "--seed", "5", "--out", str(out))
    assert code == 0
    task = tasks[0]
    assert (task.max_shots, task.seed, task.out) == (7, 5, str(out))
    assert not task.with_window
    assert task.config_name == "demo.toml"
    assert "dark: read back" in said


def test_without_frames_the_plan_decides(tasks: list[RunTask]) -> None:
    assert call("run", DEMO, "--headless")[0] == 0
    assert tasks[0].max_shots == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "none.toml"], 2, r"^lightloop: none\.toml: there is no such file"),
        (["check", "none.toml"], 2, r"^lightloop: none\.toml: there is no such file"),
        (["check", "."], 2, r"^lightloop: \.: cannot be read: it is a folder$"),
        (["inspect", "."], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["verify", "."], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["export", ".", "--tiff"], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["demo", "--headless", "--out", "x.tif"], 2, r"let its name end with \.h5$"),
        (["simulate", "sparse", "--out", "x.tif"], 2, r"let its name end with \.h5$"),
        (["run", str(CONFIGS / "demo-camera.toml"), "--seed", "1"], 2, r"drives a real scope"),
        (["demo", "--headless", "--out", "no/folder/run.h5"], 2, r"there is no folder"),
        (["demo", "--headless", "--screenshot", "no/folder/x.png"], 2, r"there is no folder"),
        (["run", DEMO, "--screenshot", str(CONFIGS)], 2, r"it is a folder"),
        (["demo", "--frames", "-1"], 2, r"--frames"),
        (["replay", "none.h5"], 1, r"^lightloop: .*none\.h5"),
        (["replay", "none.h5", "--step", "--max"], 2, r"exclude each other"),
        (["inspect", "none.h5"], 1, r"^lightloop: .*none\.h5"),
        (["inspect", DEMO], 1, r"^lightloop: demo\.toml .*: it does not begin as one$"),
        (["truth", DEMO], 1, r"^lightloop: .*demo\.toml"),
        (["models", "info", "none"], 1, r"^lightloop: .*'none'"),
        (["bench", "strem"], 2, r"did you mean 'stream'"),
        (["demmo"], 2, r"(?i)no such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(words: list[str], code: int, said: str) -> None:
    found, out, err = call(*words)
    assert found == code
    assert re.search(said, err), err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScopeError("it broke"), 1),
        (ModelError("it broke"), 1),
        (ConfigError("it broke"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_failure_has_its_status(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def supervise(_: RunTask) -> Outcome:
        raise error

    monkeypatch.setattr(lightloop.supervise, "supervise", supervise)
    found, _, err = call("demo", "--headless")
    assert found == code
    assert err.count("lightloop: ") == 1


@pytest.mark.parametrize("code", [0, 1, 130])
def test_the_status_of_the_run_is_the_status_of_the_command(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    outcome = Outcome(code, SUMMARY if code != 1 else None, "the keeper died")
    monkeypatch.setattr(lightloop.supervise, "supervise", lambda _: outcome)
    found, _, err = call("demo", "--headless")
    assert found == code
    assert ("lightloop: the keeper died" in err) == (code == 1)


def test_an_unexpected_fault_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), exit_status():
        raise ZeroDivisionError


def test_check_prints_dose_time_and_disk(tmp_path: Path) -> None:
    code, said, _ = call("check", DEMO, "--out", str(tmp_path / "run.h5"))
    assert code == 0
    for word in ("300 in 300 shots", "J/cm2", "% of the budget of", "bleaching", " MB packed"):
        assert word in said
    assert said.rstrip().endswith("demo.toml: ok")


def test_check_looks_at_no_run_file_that_it_was_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.h5").write_bytes(b"somebody's work")
    code, said, err = call("check", DEMO)
    assert code == 0, err
    assert "GB free" in said
    code, _, err = call("check", DEMO, "--out", "run.h5")
    assert code == 2
    assert "exists already" in err


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_broken_policy_file_is_found_before_any_light(
    tasks: list[RunTask], tmp_path: Path, verb: str
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("raise RuntimeError('not yet')\n", "utf-8")
    text = (CONFIGS / "demo.toml").read_text("utf-8")
    start, end = text.index("[policy]"), text.index("[loop]")
    policy = f'[policy]\nkind = "python"\npath = {json.dumps(str(mine))}\n'
    (tmp_path / "own.toml").write_text(text[:start] + policy + text[end:], "utf-8")
    code, _, err = call(verb, str(tmp_path / "own.toml"))
    assert code == 2
    assert re.match(r"lightloop: own\.toml: policy: .*mine\.py: RuntimeError: not yet", err)
    assert tasks == []


def test_a_wrong_device_is_said_with_its_file(tmp_path: Path) -> None:
    text = (CONFIGS / "demo.toml").read_text("utf-8").replace('"Laser488"', '"Lazer488"')
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    code, _, err = call("check", str(tmp_path / "mine.toml"))
    assert code == 2
    assert err.startswith("lightloop: mine.toml: ")
    assert "did you mean 'Laser488'" in err


def test_check_speaks_json_to_programs(tmp_path: Path) -> None:
    code, said, _ = call("check", DEMO, "--frames", "10", "--json", "--out", str(tmp_path / "r.h5"))
    assert code == 0
    seen = json.loads(said)
    assert seen["frames"] == 10
    assert seen["lights"][0]["unit"] == "J/cm2"


def test_check_refuses_a_run_over_its_budget(tmp_path: Path) -> None:
    path = tmp_path / "greedy.toml"
    text = (CONFIGS / "demo.toml").read_text("utf-8")
    path.write_text(re.sub(r"budget_j_cm2 = [\d.]+", "budget_j_cm2 = 0.1", text), "utf-8")
    code, _, err = call("check", str(path))
    assert code == 2
    assert err.startswith("lightloop: greedy.toml: over budget")


def test_the_schema_is_json() -> None:
    code, said, _ = call("schema")
    assert code == 0
    assert json.loads(said)["title"] == "RunConfig"


def test_every_verb_has_help() -> None:
    code, said, _ = call("--help")
    assert code == 0
    verbs = ("demo", "run", "check", "import", "replay", "inspect", "doctor", "bench", "models")
    for verb in (*verbs, "schema"):
        assert verb in said
        assert call(verb, "--help")[0] == 0


@pytest.mark.parametrize(
    ("words", "pace", "speed"),
    [
        ([], "max", 1.0),
        (["--max"], "max", 1.0),
        (["--step"], "step", 1.0),
        (["--real-time"], "real-time", 1.0),
        (["--real-time", "2.5"], "real-time", 2.5),
        (["--real-time", "--headless"], "real-time", 1.0),
    ],
)
def test_a_replay_keeps_the_pace_that_was_asked(
    tasks: list[RunTask], recording: Path, words: list[str], pace: str, speed: float
) -> None:
    code, _, err = call("replay", str(recording), "--headless", *words)
    assert code == 0, err
    replay = tasks[0].replay
    assert replay is not None
    assert (replay.pace, replay.speed) == (pace, speed)
    assert not replay.verify
    assert tasks[0].config_name == "replay.toml", "an import has no config of its own"


def test_a_verified_replay_goes_in_lock_step(tasks: list[RunTask], tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5", n_shots=2, n_frames=1)
    code, _, err = call("replay", str(tmp_path / "run.h5"), "--headless", "--verify")
    assert code == 0, err
    replay = tasks[0].replay
    assert replay is not None
    assert (replay.pace, replay.verify) == ("step", True)


def test_no_window_keeps_a_verdict_waiting(
    tasks: list[RunTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")  # a screen, as far as anybody can tell
    samples.write_run(tmp_path / "run.h5", n_shots=2, n_frames=1)
    assert call("replay", str(tmp_path / "run.h5"))[0] == 0
    assert call("replay", str(tmp_path / "run.h5"), "--verify")[0] == 0
    assert [task.with_window for task in tasks] == [True, False]


def test_an_import_cannot_be_verified(tasks: list[RunTask], recording: Path) -> None:
    code, _, err = call("replay", str(recording), "--headless", "--verify")
    assert code == 2
    assert err.startswith("lightloop: ")
    assert "is an import: it holds no decisions to verify" in err
    assert tasks == []


def test_a_picture_of_a_replay_that_cannot_be_written_is_refused(
    tasks: list[RunTask], recording: Path
) -> None:
    code, _, err = call("replay", str(recording), "--screenshot", "no/folder/x.png")
    assert code == 2
    assert "there is no folder" in err
    assert tasks == []


def test_an_import_looks_at_its_target_before_it_reads(tmp_path: Path) -> None:
    where = tmp_path / "no" / "folder" / "run.h5"
    code, _, err = bring_in(tmp_path, "--out", str(where))
    assert code == 2
    assert err == f"lightloop: {where}: cannot be written: there is no folder {where.parent}\n"


def test_an_import_says_what_it_guessed(recording: Path) -> None:
    code, said, _ = call("inspect", str(recording))
    assert code == 0
    assert "import of film.npy" in said
    assert "(datasheet)" in said
    code, said, _ = call("inspect", str(recording), "--why", "1")
    assert code == 0
    said = said.replace("\n", " ")
    assert "got 20 ms of channel 0 (power not recorded), as whoever made the recording" in said


def test_an_inspection_invents_no_power_for_an_import(recording: Path) -> None:
    code, said, _ = call("inspect", str(recording))
    assert code == 0
    assert "3 frames of 20 ms, power not recorded" in said
    assert "not recorded; 0.06 s of exposure in all" in said
    assert "100 %" not in said
    assert "relative" not in said


def test_an_import_that_guesses_its_camera_warns_what_rests_on_it(tmp_path: Path) -> None:
    import numpy as np

    y, x = np.mgrid[:96, :96]
    spots = 10 + 900 * np.exp(-((y - 48) ** 2 + (x - 40) ** 2) / 300)
    images = np.random.default_rng(1).poisson(spots, (4, 96, 96))
    np.save(tmp_path / "film.npy", images.astype(np.uint16))
    words = ["--axes", "TYX", "--pixel-um", "0.5", "--interval-s", "60", "--exposure-ms", "20"]
    film, out = str(tmp_path / "film.npy"), str(tmp_path / "run.h5")
    code, said, err = call("import", film, *words, "--out", out)
    assert code == 0, err
    assert "camera, estimated from the images: " in said
    assert "warning: the camera is only estimated, and photons, SNR and trust rest on it" in err


def test_an_import_of_a_known_camera_warns_of_nothing(tmp_path: Path) -> None:
    code, said, err = bring_in(tmp_path)
    assert code == 0
    assert "camera, as given: 1 ADU/e-" in said
    assert err == ""


@pytest.mark.parametrize("flag", ["--exposure-ms", "--pixel-um", "--gain-adu-per-e"])
@pytest.mark.parametrize("value", ["nan", "0", "-1"])
def test_an_import_refuses_numbers_that_are_none(tmp_path: Path, flag: str, value: str) -> None:
    code, _, err = bring_in(tmp_path, flag, value)
    assert code in (1, 2)
    assert err.startswith("lightloop: ")
    assert not (tmp_path / "run.h5").exists()


def test_a_wrong_axis_string_is_refused(tmp_path: Path) -> None:
    code, _, err = bring_in(tmp_path, "--axes", "TZCYX")
    assert code == 1
    assert "TZCYX" in err


def bring_in(folder: Path, *more: str) -> tuple[int, str, str]:
    import numpy as np

    film = folder / "film.npy"
    np.save(film, np.random.default_rng(1).poisson(100, (3, 32, 48)).astype(np.uint16))
    words = {
        "--axes": "TYX", "--pixel-um": "0.5", "--interval-s": "60", "--exposure-ms": "20",
        "--gain-adu-per-e": "1", "--offset": "10", "--read-noise": "1.5",
        "--out": str(folder / "run.h5"),
    }  # fmt: skip
    words.update([more] if more else [])  # type: ignore[arg-type]
    return call("import", str(film), *(part for pair in words.items() for part in pair))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    code, said, err = bring_in(tmp_path)
    assert code == 0, err
    assert "3 frames in 3 shots" in said
    return tmp_path / "run.h5"


@pytest.mark.parametrize(
    ("words", "file", "dataset"),
    [
        ("a/film.h5:group/data", "a/film.h5", "group/data"),
        ("a/film.tif", "a/film.tif", ""),
        ("C:/film.tif", "C:/film.tif", ""),
        ("C:/film.h5:data", "C:/film.h5", "data"),
    ],
)
def test_a_dataset_stands_behind_a_colon(words: str, file: str, dataset: str) -> None:
    assert file_and_dataset(words) == (Path(file), dataset)


def test_the_summary_says_dose_loss_lateness_and_darkness() -> None:
    text = printed(SUMMARY)
    for words in (
        "12 in 6 shots",
        "41 followed at the end, 3 divisions seen",
        "1.25 J/cm2",
        "25.0% of the reference's 5 (not equal quality)",
        "1 gap",
        "2 decisions",
        "dark: read back",
        "loop latency (frame in host -> devices set)",
        "8.25",
        "12.00",
    ):
        assert words in text


def test_the_summary_of_a_replay_says_that_no_light_was_given() -> None:
    import msgspec

    text = printed(msgspec.structs.replace(SUMMARY, origin="replay of run.h5"))
    assert "proposals made under recorded exposures" in text
    assert "recorded dose, 488" in text
    assert "dark: read back" not in text


def test_the_summary_names_both_numbers_of_cells() -> None:
    import msgspec

    text = printed(msgspec.structs.replace(SUMMARY, cells=48, confirmed=45))
    assert "48 followed, 45 confirmed at the end" in text


def test_the_time_of_a_whole_replay_is_no_step_of_a_shot() -> None:
    import msgspec

    steps = {"restore": (7.0, 9.5), "whole replay": (1234.5, 1234.5)}
    text = printed(msgspec.structs.replace(SUMMARY, origin="replay of r.h5", latency_ms=steps))
    assert re.search(r"replayed +in 1\.23 s", text)
    assert "whole replay" not in text
    assert "1234" not in text
    alone = msgspec.structs.replace(SUMMARY, latency_ms={"whole replay": (1234.5, 1234.5)})
    assert "p50" not in printed(alone)


def test_the_summary_invents_no_dose_for_an_import() -> None:
    import msgspec

    foreign = {"not recorded": 0.06}
    text = printed(
        msgspec.structs.replace(
            SUMMARY, origin="replay of f.h5", dose=foreign, reference_dose={}, dose_unit="relative"
        )
    )
    assert re.search(r"recorded dose +not recorded; 0\.06 s of exposure in all", text)
    assert "relative" not in text


def test_a_tally_keeps_followed_and_confirmed_cells_apart() -> None:
    import msgspec

    from lightloop.summary import Tally

    tally = Tally()
    result = samples.result(3, (3,))
    seen = msgspec.structs.replace(result.observation, n_tracks=48, n_confirmed=45)
    result = msgspec.structs.replace(result, observation=seen)
    tally.add_answer(result, samples.decision(3, (3,), 12.0))
    assert (tally.cells, tally.confirmed) == (48, 45)
    other = msgspec.structs.replace(seen, position=seen.position + 1, n_tracks=2, n_confirmed=1)
    elsewhere = msgspec.structs.replace(result, observation=other)
    tally.add_answer(elsewhere, samples.decision(3, (3,), 12.0))
    tally.add_answer(result, samples.decision(3, (3,), 12.0))
    assert (tally.cells, tally.confirmed) == (50, 46), "all fields together, each as last seen"


def test_reasons_that_differ_in_their_numbers_alone_are_counted_as_one() -> None:
    from lightloop.cli.inspection import _alike

    said = {"SNR 38.9 is at target 40": 2, "SNR 39 is at target 40": 3, "held at 5 ms": 1}
    assert _alike(said) == {"SNR … is at target …": 5, "held at 5 ms": 1}


def test_the_summary_shouts_if_the_light_is_not_known_to_be_off() -> None:
    import msgspec

    assert "NOT CONFIRMED DARK" in printed(msgspec.structs.replace(SUMMARY, is_dark=False))


def test_the_summary_is_plain_ascii_where_stdout_is() -> None:
    assert printed(SUMMARY, "ascii").isascii()
    assert not printed(SUMMARY).isascii()


def test_results_never_end_a_run_by_a_letter_that_stdout_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    page = paper()
    page.print("\u65e5\u672c", summary_table(SUMMARY))
    page.file.flush()
    assert b"dark: read back" in raw.getvalue()


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightloop.cli.door.has_screen", lambda: False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)


def test_without_a_screen_the_run_goes_on_without_a_window(
    no_screen: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyqtgraph")
    assert not wants_window(headless=False, screenshot=False)
    assert "no screen" in capsys.readouterr().err


def test_a_picture_needs_no_screen(no_screen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyqtgraph")
    import os

    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    assert wants_window(headless=True, screenshot=True)
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_window_without_qt_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install -e "\.\[gui\]"'):
        wants_window(headless=False, screenshot=False)
    assert not wants_window(headless=True, screenshot=False)


@pytest.mark.parametrize("after", [None, RuntimeError, KeyboardInterrupt, DeviceMissing])
def test_a_light_that_does_not_go_dark_outweighs_whatever_fails_after_it(
    after: type[BaseException] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left, exit_status():  # noqa: PT012
        try:
            raise LightNotDark("the laser is read back as on")
        except LightNotDark:
            if after is None:
                raise
            raise after("the driver crashed as it was let go of")  # noqa: B904
    assert left.value.exit_code == NOT_DARK
    assert "the laser is read back as on" in capsys.readouterr().err


def test_a_run_says_whether_it_is_kept_and_what_may_be_done_with_it(
    tasks: list[RunTask], tmp_path: Path
) -> None:
    _, said, err = call("run", DEMO, "--headless")
    assert "note: this run is not kept; to keep it, say --out run.h5" in err
    assert "next: " not in said
    _, said, err = call("run", DEMO, "--headless", "--out", str(tmp_path / "mine.h5"))
    assert "is not kept" not in err
    assert "next: lightloop inspect mine.h5" in said
    assert "to keep a run: lightloop demo --out run.h5" in call("demo", "--headless")[1]


def test_the_version_is_said_and_help_tells_the_verbs_by_when_they_are_wanted() -> None:
    code, said, _ = call("--version")
    assert code == 0
    assert re.fullmatch(r"lightloop \d+\.\d+\.\d+\n", said)
    said = call("--help")[1]
    panels = ("Before a run", "A run", "After a run", "Without a microscope")
    assert sorted(panels, key=said.index) == list(panels)
