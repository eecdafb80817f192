"""Fields of a request become parameters of a command, and the values of these its arguments again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from NephroSynthLib import options
from NephroSynthLib.cli.app import COMMANDS, app
from NephroSynthLib.cli.flags import (
    SettingFlag,
    arguments,
    flag_names,
    parameters,
    read_delay,
    read_spacing,
    reads_volumes,
)
from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.catalogue import JOBS
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.jobs.run_exam import RunRequest


def command(name: str) -> Any:
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]


def flags(name: str) -> dict[str, Any]:
    return {flag: option for option in command(name).params for flag in option.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_flag_is_negated_and_none_that_takes_no_value_shows_a_placeholder(name: str) -> None:
    for option in command(name).params:
        assert not any(flag.startswith("--no-") for flag in (*option.opts, *option.secondary_opts))
        if getattr(option, "is_flag", False):
            assert option.metavar == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_field_that_is_not_hidden_is_a_parameter(name: str) -> None:
    made = {parameter.name for parameter in parameters(JOBS[name].request, COMMANDS[name])}
    assert JOBS[name].request.model_fields.keys() - made <= {"settings", "images"}


def test_defaults_ranges_and_help_are_those_of_the_options() -> None:
    made = {parameter.name: parameter for parameter in parameters(RunRequest, COMMANDS["run"])}
    steps, seed = (made[name].annotation.__metadata__[0] for name in ("steps", "seed"))
    assert (made["steps"].default, steps.min, steps.max) == (
        options.STEPS.default,
        options.STEPS.least,
        options.STEPS.most,
    )
    assert steps.help == options.STEPS.help
    assert (seed.min, seed.max) == (0, None)
    assert flags("segment")["--steps"].default == options.SEGMENTATION_STEPS.default
    assert "dpm-solver++" in flags("run")["--sampler"].default


def test_a_segmenter_of_ones_own_is_a_flag_of_each_command_that_segments() -> None:
    for name in ("run", "register", "segment"):
        assert flags(name)["--segmenter"].default == options.SEGMENTATION_MODEL.default
    assert flags("segment")["--model"].name == "segmenter"
    assert flags("run")["--model"].default == options.SYNTHESIS_MODEL.default
    request = parse(RunRequest, arguments({"out": "o", "dicom": "d", "segmenter": "s", "model": "m"}, COMMANDS["run"]))
    assert (request.settings.segmentation.model, request.settings.synthesis.model) == ("s", "m")


def test_values_become_nested_settings() -> None:
    flag = COMMANDS["run"]
    values = {"out": Path("o"), "dicom": Path("d"), "steps": 8, "excretory_delay": "dicom", "registration": "affine"}
    request = parse(RunRequest, arguments({**values, "noncontrast": None}, flag))
    assert request.settings.synthesis.steps == 8
    assert request.settings.registration.mode == "affine"
    assert request.settings.delay_from_dicom
    told = parse(RunRequest, arguments({**values, "excretory_delay": 300.0}, flag)).settings
    assert (told.synthesis.excretory_delay_s, told.delay_from_dicom) == (300.0, False)


def test_numbers_of_the_patient_become_settings() -> None:
    flag = COMMANDS["run"]
    values = {"out": "o", "dicom": "d", "weight": 82.0, "iodine": 35.0, "egfr": 70.0, "nephrographic_delay": 100.0}
    told = parse(RunRequest, arguments({**values, "patient_from_dicom": True}, flag)).settings
    chosen = told.synthesis
    assert (chosen.weight_kg, chosen.iodine_g, chosen.egfr_ml_min) == (82.0, 35.0, 70.0)
    assert (chosen.nephrographic_delay_s, told.patient_from_dicom) == (100.0, True)
    assert flags("synthesize")["--weight"].default is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"excretory_delay": 0.0}, "The option --excretory-delay must be at least 1."),
        ({"weight": 999.0}, "The option --weight must be at most 400."),
    ],
)
def test_a_value_that_does_not_fit_is_named_as_its_flag(given: dict[str, Any], words: str) -> None:
    values = {"noncontrast": "a.nii", "excretory": "b.nii", "out": "c", **given}
    with pytest.raises(UsageError) as refused:
        parse(RunRequest, arguments(values, COMMANDS["run"]), flag_names(RunRequest, COMMANDS["run"]))
    assert refused.value.what == words


@pytest.mark.parametrize("name", COMMANDS)
def test_the_flags_in_messages_exist(name: str) -> None:
    known = {*flags(name), "--settings", "--images"}  # these two are no flags, and no user gives them
    assert set(flag_names(JOBS[name].request, COMMANDS[name]).values()) <= known


def test_a_setting_is_placed_by_its_path() -> None:
    assert SettingFlag("synthesis.steps").place(3) == {"synthesis": {"steps": 3}}
    assert SettingFlag("seed").place(3) == {"seed": 3}


def test_texts_of_spacing_and_delay_are_read_or_refused() -> None:
    assert read_spacing("native") is None
    assert read_spacing("0.8,0.8,2.5") == (0.8, 0.8, 2.5)
    assert (read_delay("dicom"), read_delay("300")) == ("dicom", 300.0)
    for read, text in ((read_spacing, "1,2"), (read_spacing, "fine"), (read_delay, "soon")):
        with pytest.raises(typer.BadParameter):
            read(text)


def test_only_commands_with_volumes_explain_them() -> None:
    assert reads_volumes(RunRequest)
    assert not reads_volumes(JOBS["train"].request)
