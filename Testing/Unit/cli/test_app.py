"""The command line: usage, targets, JSON, tables."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from NephroSynthLib import __version__
from NephroSynthLib.cli.app import app
from NephroSynthLib.cli.progress_bars import SHARES
from NephroSynthLib.files.outputs import SUMMARY, TRANSFORM
from NephroSynthLib.jobs import catalogue as jobs

COMMANDS = ("demo", "simulate", "run", "register", "segment", "synthesize", "evaluate", "prepare", "train", "models")
COMMANDS += ("phases", "export-dicom", "send", "transform", "benchmark", "generate")
OF_THIS_PROCESS = ("cohort manifest", "cohort run", "reader-study make", "reader-study evaluate", "view")
JOBS_OF_THE_PANEL = ("inventory", "sample", "export-result")
HEAVY = ("torch", "SimpleITK", "monai", "ants", "scipy", "numpy", "pydicom", "matplotlib")

runner = CliRunner()


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory, phantom: Callable[..., sitk.Image]) -> list[str]:
    folder = tmp_path_factory.mktemp("phases")
    sitk.WriteImage(phantom(), str(folder / "noncontrast.nrrd"))
    sitk.WriteImage(phantom(contrast=True, seed=1), str(folder / "excretory.nrrd"))
    return ["--noncontrast", str(folder / "noncontrast.nrrd"), "--excretory", str(folder / "excretory.nrrd")]


@pytest.mark.parametrize("statement", ["import NephroSynthLib", "import NephroSynthLib.cli.app"])
def test_importing_loads_no_heavy_library(statement: str) -> None:
    program = f"import sys; {statement}; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("nephrosynth")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == __version__


@pytest.mark.parametrize("command", [*COMMANDS, *OF_THIS_PROCESS])
def test_every_command_has_help_and_the_common_options(command: str) -> None:
    shown = runner.invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    assert all(option in shown.stdout for option in ("--quiet", "--json", "--verbose"))
    assert not any(placeholder in shown.stdout for placeholder in ("<bool>", "BOOL"))


def test_the_help_of_the_whole_has_no_placeholder_for_flags() -> None:
    for words in ([], ["cohort"], ["reader-study"]):
        shown = runner.invoke(app, [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert "<bool>" not in shown.stdout


def test_every_job_has_a_command_and_shares_of_progress() -> None:
    assert set(SHARES) == {*COMMANDS, *OF_THIS_PROCESS}
    assert set(jobs.JOBS) == {*COMMANDS, *JOBS_OF_THE_PANEL}


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--noncontrast", "a", "--excretory", "b"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--spacing", "1,2"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--spacing", "fine"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--spacing", "1,1,100"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--registration", "magic"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--steps", "0"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--seed", "-1"],
        ["run", "--noncontrast", "a", "--excretory", "b", "--out", "c", "--device", "abacus"],
        ["simulate", "--out", "a", "--format", "jpeg"],
        ["simulate", "--out", "a", "--count", "0"],
        ["train", "painting", "--out", "a"],
        ["models", "show"],
        ["models", "paint"],
        ["dance"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 2
    assert shown.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "--json"], "--out"),
        (["run", "--out", "c", "--steps", "many", "--json"], "--steps"),
        (["run", "--out", "c", "--spacing", "fine", "--json"], "native"),
        (["dance", "--json"], "dance"),
        (["--json"], "--json"),
        (["models", "show", "--json"], "not named"),
    ],
)
def test_wrong_usage_is_one_json_object_on_demand(arguments: list[str], word: str) -> None:
    shown = runner.invoke(app, arguments)
    error = json.loads(shown.stdout)["error"]
    assert (shown.exit_code, error["exit_code"], error["class"]) == (2, 2, "UsageError")
    assert word in error["what"]
    assert shown.stderr


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--steps", "0", "at least 1"),
        ("--steps", "x", "whole number"),
        ("--steps", "1.5", "whole number"),
        ("--samples", "65", "at most 64"),
        ("--seed", "-1", "at least 0"),
        ("--seed", "x", "whole number"),
        ("--weight", "heavy", "number"),
        ("--weight", "nan", "number"),
        ("--registration", "magic", "two-stage"),
        ("--excretory-delay", "0", "at least 1"),
        ("--spacing", "x", "native"),
        ("--device", "abacus", "auto, cpu"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words_without_jargon(flag: str, value: str, words: str) -> None:
    phases = ["--noncontrast", "a.nii.gz", "--excretory", "b.nii.gz", "--out", "o"]
    shown = runner.invoke(app, ["run", *phases, flag, value, "--json"])
    what = json.loads(shown.stdout)["error"]["what"]
    assert (shown.exit_code, words in what) == (2, True), what
    for jargon in ("Input should", "String should", "unable to parse", "Value error", "pydantic", ".."):
        assert jargon not in what
        assert jargon not in shown.stderr


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
@pytest.mark.parametrize("command", ["run", "register", "demo", "simulate"])
def test_a_folder_with_other_things_in_it_is_never_replaced(
    tmp_path: Path, phases: list[str], command: str, flags: list[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    inputs = phases if command in ("run", "register") else []
    shown = runner.invoke(app, [command, *inputs, "--out", str(tmp_path), *flags])
    assert shown.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.usefixtures("jobs_run_here")
def test_registering_writes_the_phase_its_transform_and_the_figures(tmp_path: Path, phases: list[str]) -> None:
    out = tmp_path / "out"
    command = ["register", *phases, "--out", str(out), "--registration", "none", "--json"]
    shown = runner.invoke(app, command)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stderr == ""
    assert json.loads(shown.stdout) == json.loads((out / SUMMARY).read_text())
    assert {path.name for path in out.iterdir()} == {"excretory_registered.nii.gz", TRANSFORM, SUMMARY}
    moving, registered = sitk.ReadImage(phases[3]), sitk.ReadImage(str(out / "excretory_registered.nii.gz"))
    transform = sitk.ReadTransform(str(out / TRANSFORM))
    again = sitk.Resample(moving, sitk.ReadImage(phases[1]), transform, sitk.sitkLinear, -1024.0)
    difference = sitk.GetArrayFromImage(registered) - sitk.GetArrayFromImage(again)
    assert abs(difference).max() < 0.01

    shown = runner.invoke(app, command)
    assert shown.exit_code == 2
    assert "--overwrite" in shown.stderr
    assert json.loads(shown.stdout)["error"]["class"] == "UsageError"
    assert runner.invoke(app, [*command, "--overwrite", "--quiet"]).exit_code == 0


@pytest.mark.usefixtures("jobs_run_here")
def test_a_missed_gate_is_exit_4_under_strict(tmp_path: Path, phases: list[str]) -> None:
    shifted = sitk.ReadImage(phases[3])
    shifted.SetOrigin([coordinate + 45.0 for coordinate in shifted.GetOrigin()])
    sitk.WriteImage(shifted, str(tmp_path / "shifted.nrrd"))
    inputs = [*phases[:3], str(tmp_path / "shifted.nrrd")]
    shown = runner.invoke(
        app, ["register", *inputs, "--registration", "none", "--strict", "--out", str(tmp_path / "o")]
    )
    assert shown.exit_code == 4
    assert "gate" in shown.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.usefixtures("jobs_run_here")
def test_evaluating_a_volume_against_itself_gives_valid_json_and_a_table(phases: list[str]) -> None:
    command = ["evaluate", "--synthetic", phases[1], "--acquired", phases[1]]
    figures = json.loads(runner.invoke(app, [*command, "--json"]).stdout)["metrics"]["around"]["window"]
    assert figures["mae_hu"] == 0
    assert figures["ssim"] == pytest.approx(1)
    table = runner.invoke(app, command)
    assert table.exit_code == 0
    assert "MAE 0.0 HU" in table.stdout


def test_quiet_prints_nothing(phases: list[str], tmp_path: Path) -> None:
    command = ["register", *phases, "--registration", "none", "--out", str(tmp_path / "out"), "--quiet"]
    shown = runner.invoke(app, command)
    assert (shown.exit_code, shown.stdout) == (0, "")


@pytest.mark.usefixtures("jobs_run_here")
def test_progress_without_a_terminal_is_a_line_for_each_stage(phases: list[str], tmp_path: Path) -> None:
    shown = runner.invoke(app, ["register", *phases, "--registration", "none", "--out", str(tmp_path / "out")])
    assert shown.exit_code == 0
    begun = [line.removesuffix(" ...") for line in shown.stderr.splitlines() if line.endswith(" ...")]
    assert begun == ["read", "register", "save"]
    assert f"Result: {tmp_path / 'out'}" in shown.stdout
    assert "Research use only" in shown.stdout


def test_a_cohort_with_a_failed_exam_ends_with_1_and_names_it(tmp_path: Path) -> None:
    (tmp_path / "exams.csv").write_text("exam,dicom,unclear\none,nowhere,which patient?\n")
    arguments = ["cohort", "run", "--manifest", str(tmp_path / "exams.csv"), "--out", str(tmp_path / "out")]
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 1
    assert "0 of 1 done" in shown.stdout
    assert "which patient?" in shown.stdout
    told = runner.invoke(app, [*arguments, "--json"])
    assert json.loads(told.stdout)["failed"].keys() == {"one"}


def test_a_wrong_manifest_ends_with_2_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "exams.csv").write_text("exam,colour\none,red\n")
    arguments = ["cohort", "run", "--manifest", str(tmp_path / "exams.csv"), "--out", str(tmp_path / "out"), "--json"]
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 2
    assert json.loads(shown.stdout)["error"]["code"] == "correct-manifest"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "completed"),
    [("nephrosynth coh", "cohort"), ("nephrosynth cohort r", "run"), ("nephrosynth run --reg", "--registration")],
)
def test_the_shell_completes_commands_and_options(words: str, completed: str) -> None:
    last = len(words.split()) - 1
    environment = {"_NEPHROSYNTH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(last)}
    shown = runner.invoke(app, [], env=environment, prog_name="nephrosynth")
    assert shown.stdout.split() == [completed]
