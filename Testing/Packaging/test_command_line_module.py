"""The command line module: its XML against the options of the library, its progress, and its results."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib import __version__, options
from NephroSynthLib.jobs import catalogue
from NephroSynthLib.jobs.run_exam import RunRequest
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "NephroSynth" / "NephroSynthCLI"
XML = ElementTree.parse(FOLDER / "NephroSynthCLI.xml").getroot()
OPTIONS: dict[str, options.Option[Any]] = {
    "excretoryDelay": options.EXCRETORY_DELAY,
    "nephrographicDelay": options.NEPHROGRAPHIC_DELAY,
    "weight": options.WEIGHT,
    "iodine": options.IODINE,
    "egfr": options.EGFR,
    "device": options.DEVICE,
    "model": options.SYNTHESIS_MODEL,
    "segmenter": options.SEGMENTATION_MODEL,
    "registration": options.REGISTRATION,
    "steps": options.STEPS,
    "samples": options.SAMPLES,
    "seed": options.SEED,
}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("NephroSynthCLI", FOLDER / "NephroSynthCLI.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _element(name: str) -> ElementTree.Element:
    return next(one for one in XML.iterfind("parameters/*") if one.findtext("name") == name)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_that_of_the_library(name: str) -> None:
    option, element = OPTIONS[name], _element(name)
    assert element.findtext("description") == option.help
    assert element.findtext("default") == str(option.default if option.default is not None else 0)
    assert tuple(one.text for one in element.findall("element")) == option.choices
    if option.most is not None:
        assert float(element.findtext("constraints/maximum", "nan")) == min(option.most, 2**31 - 1)


def test_the_initial_transform_is_that_of_the_request(module: ModuleType) -> None:
    element = _element("initialTransform")
    assert element.findtext("description") == RunRequest.model_fields["initial_transform"].description
    assert (element.tag, element.findtext("channel")) == ("transform", "input")


def test_the_description_says_version_and_use() -> None:
    assert XML.findtext("version") == __version__
    assert "Research use only" in XML.findtext("description", "")


def test_names_and_flags_are_those_of_the_schema() -> None:
    names = [one.findtext("name", "") for one in XML.iterfind("parameters/*[name]")]
    flags = [one.findtext("longflag") for one in XML.iterfind("parameters/*[longflag]")]
    assert all(re.fullmatch(r"[a-zA-Z]\w*", name) for name in names)
    assert len(set(names)) == len(names)
    assert len(set(flags)) == len(flags)
    indices = sorted(int(one.findtext("index", "")) for one in XML.iterfind("parameters/*[index]"))
    assert indices == [0, 1, 2]


def test_numbers_that_are_not_given_are_not_set(module: ModuleType) -> None:
    given = module.parser().parse_args(["a.nrrd", "b.nrrd", "c.nrrd"])
    assert Settings.model_validate(module.settings(given)) == Settings()
    given = module.parser().parse_args(["a.nrrd", "b.nrrd", "c.nrrd", "--weight", "70.5", "--registration", "affine"])
    found = Settings.model_validate(module.settings(given))
    assert found.synthesis.weight_kg == 70.5
    assert found.registration.mode == "affine"


def test_a_number_that_does_not_fit_is_named_as_the_user_wrote_it(
    module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("noncontrast.nrrd", "excretory.nrrd", "synthetic.nrrd")]
    assert module.main([*names, "--excretory-delay", "4000"]) == 2
    assert "The option --excretory-delay must be at most 3600." in capsys.readouterr().err


def test_results_go_where_slicer_wants_them_and_progress_never_falls(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []

    def execute(command: str, arguments: dict[str, Any], progress: Progress, names: dict[str, str]) -> dict[str, Any]:
        asked.append(arguments)
        out = Path(arguments["out"])
        out.mkdir()
        image = sitk.Image(4, 4, 4, sitk.sitkFloat32) + 7
        for name in ("synthetic_nephrographic", "kidneys"):
            sitk.WriteImage(image, str(out / f"{name}.nrrd"))
        sitk.WriteTransform(sitk.TranslationTransform(3, (1.0, 2.0, 3.0)), str(out / "excretory_to_noncontrast.h5"))
        progress.stage("segment").update(0.5, "kidneys & more")
        progress.stage("save").update(1.0, "done")
        return {"warnings": ["look closely"]}

    monkeypatch.setattr(catalogue, "execute", execute)
    targets = [tmp_path / "synthetic.nii.gz", tmp_path / "kidneys.nrrd", tmp_path / "transform.tfm"]
    flags = ["--kidneys-output", str(targets[1]), "--transform-output", str(targets[2])]
    flags += ["--uncertainty-output", str(tmp_path / "uncertainty.nrrd"), "--initial-transform", "start.h5"]
    assert module.main(["a.nrrd", "b.nrrd", str(targets[0]), *flags]) == 0
    assert asked[0]["images"] == "nrrd"
    assert "nephrographic" not in asked[0]
    assert asked[0]["initial_transform"] == "start.h5"
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(targets[0]))).max() == 7
    assert targets[1].is_file()
    assert sitk.ReadTransform(str(targets[2])).TransformPoint((0.0, 0.0, 0.0)) == (1.0, 2.0, 3.0)
    printed = capsys.readouterr().out
    fractions = [float(one) for one in re.findall(r"<filter-progress>([\d.]+)</filter-progress>", printed)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "<filter-comment>kidneys &amp; more</filter-comment>" in printed
    assert "Warning: look closely" in printed
    assert not Path(asked[0]["out"]).exists()


def test_a_refused_input_has_its_exit_code_and_no_traceback(
    module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("noncontrast.nrrd", "excretory.nrrd", "synthetic.nrrd")]
    assert module.main(names) == 3
    said = capsys.readouterr().err
    assert "non-contrast phase does not exist" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_names_the_way_to_install_it(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lack(*arguments: Any) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(catalogue, "execute", lack)
    assert module.main(["a.nrrd", "b.nrrd", "c.nrrd"]) == 1
    assert "torch is missing. Press Apply once" in capsys.readouterr().err


@pytest.fixture
def exam(tmp_path: Path) -> dict[str, Path]:
    """The phases and the kidneys of a small drawn patient, in the files that Slicer writes for a module."""
    z, y, x = np.indices((18, 40, 52))
    radius = np.hypot((x - 26) / 25, (y - 20) / 19)
    labels = np.zeros(radius.shape, np.uint8)
    for label, centre in ((1, 15), (2, 37)):
        labels[((x - centre) / 5) ** 2 + ((y - 24) / 5) ** 2 + ((z - 9) / 6) ** 2 < 1] = label
    random = np.random.default_rng(1)
    arrays = {"kidneys": labels}
    for phase, hu in (("noncontrast", 32.0), ("excretory", 110.0)):
        values = np.select([labels > 0, radius < 0.8, radius < 1], [hu, 45.0, -100.0], -1000.0)
        values[np.hypot(x - 26, y - 30) < 3] = 400.0
        arrays[phase] = (values + random.normal(0, 8, values.shape) * (values > -900)).astype(np.float32)
    files = {name: tmp_path / f"{name}.nrrd" for name in arrays}
    for name, array in arrays.items():
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((4.0, 4.0, 6.0))
        sitk.WriteImage(image, str(files[name]))
    return files


def test_a_real_run_as_slicer_starts_it(exam: dict[str, Path], tmp_path: Path) -> None:
    """Without a registration, the initial transform is that of the result.

    Slicer passes the value of each field by its flag, files that are chosen too, then the arguments by their index.

    (Slicer/Base/QTCLI/vtkSlicerCLIModuleLogic.cxx, ApplyTask.)
    """
    chosen = {**exam, "synthetic": tmp_path / "synthetic.nrrd", "kidneysOutput": tmp_path / "kidneys-out.nrrd"}
    chosen |= {name: tmp_path / f"{name}.h5" for name in ("initialTransform", "transformOutput")}
    sitk.WriteTransform(sitk.TranslationTransform(3, (4.0, 0.0, -6.0)), str(chosen["initialTransform"]))
    fields = {one.findtext("name", ""): one for one in XML.iterfind("parameters/*[name]")}
    values = {name: one.findtext("default") for name, one in fields.items()}
    values |= {"registration": "none", "device": "cpu", **{name: str(file) for name, file in chosen.items()}}
    command = [sys.executable, str(FOLDER / "NephroSynthCLI.py")]
    for name, one in fields.items():
        if one.find("longflag") is not None and values[name] is not None:
            command += [f"--{one.findtext('longflag')}", str(values[name])]
    indexed = sorted(
        (int(one.findtext("index", "")), name) for name, one in fields.items() if one.find("index") is not None
    )
    command += [str(values[name]) for _, name in indexed]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("<filter-start>")
    assert lines[-1].startswith("<filter-end>")
    fractions = [float(one) for one in re.findall(r"<filter-progress>([\d.]+)</filter-progress>", done.stdout)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    tags = [line for line in lines if line.startswith("<")]
    assert all(ElementTree.fromstring(tag) is not None for tag in tags)
    synthetic, reference = (sitk.ReadImage(str(chosen[name])) for name in ("synthetic", "noncontrast"))
    assert synthetic.GetSize() == reference.GetSize()
    assert synthetic.GetSpacing() == reference.GetSpacing()
    kidneys = sitk.GetArrayFromImage(sitk.ReadImage(str(chosen["kidneysOutput"])))
    assert (kidneys == sitk.GetArrayFromImage(sitk.ReadImage(str(exam["kidneys"])))).all()
    inside = sitk.GetArrayFromImage(synthetic)[kidneys > 0].mean()
    found = sitk.ReadTransform(str(chosen["transformOutput"]))
    assert found.TransformPoint((100.0, 80.0, 50.0)) == pytest.approx((104.0, 80.0, 44.0), abs=0.1)
    assert inside > sitk.GetArrayFromImage(reference)[kidneys > 0].mean() + 20  # the kidneys are enhanced
