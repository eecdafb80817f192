"""The commands that speak DICOM, through the command line; some of them through its worker process, too."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from planted_texts import PLANTED, plant_texts
from pydicom.uid import generate_uid
from typer.testing import CliRunner

from NephroSynthLib.cli.app import app
from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.dicom.series_choice import choose_exam
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.errors import AmbiguousPhasesError, ImageContentError, NephroSynthError
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.jobs import catalogue
from NephroSynthLib.jobs.failures import traceback_of
from NephroSynthLib.jobs.image_descriptions import describe_image
from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid, simulate

runner = CliRunner()


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a DICOM study, and a volume and its kidneys as a run leaves them."""
    torch.set_num_threads(1)
    grid = Grid((40, 84, 112), (2.8, 2.8, 4.0), (-155.0, -118.0, -78.0))
    images = to_images(simulate(910_003, reference=grid))
    folder = tmp_path_factory.mktemp("exam")
    write_simulated_study({phase: images[phase] for phase in ("excretory", "noncontrast")}, folder / "study", seed=5)
    sitk.WriteImage(images["nephrographic_truth"], str(folder / "synthetic.nii.gz"))
    sitk.WriteImage(images["kidneys"], str(folder / "kidneys.nii.gz"))
    models = {stage: {"name": stage, "sha256": "ab" * 32} for stage in ("synthesis", "segmentation")}
    (folder / "result.json").write_text(json.dumps({"model": models}))
    return folder


def test_phases_are_told_as_json(exam: Path) -> None:
    shown = runner.invoke(app, ["phases", str(exam / "study"), "--json"])
    assert shown.exit_code == 0
    [found] = json.loads(shown.stdout)["exams"]
    assert {one["series"]: one["phase"] for one in found["acquisitions"]} == {1: "excretory", 2: "noncontrast"}


@pytest.mark.usefixtures("jobs_run_here")
def test_phases_are_told_as_a_table_with_reasons(exam: Path) -> None:
    shown = runner.invoke(app, ["phases", str(exam / "study")])
    assert shown.exit_code == 0
    assert "Series 2, non-contrast: brightest tissue" in shown.stdout


@pytest.fixture(scope="module")
@quiet()
def planted(exam: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study with a name in each free text, a series of another modality, and a series in another unit."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(exam / "study", folder / "study")
    for place in sorted((folder / "study").rglob("*.dcm")):
        instance = pydicom.dcmread(place)
        plant_texts(instance)
        instance.save_as(place)
        uids = {"SeriesInstanceUID": f"{instance.SeriesInstanceUID}.1", "SOPInstanceUID": generate_uid()}
        odd = {"noncontrast": {"Modality": PLANTED}, "excretory": {"RescaleType": PLANTED}}[place.parent.name]
        for keyword, value in {**uids, **odd}.items():
            setattr(instance, keyword, value)
        instance.save_as(place.with_name(f"odd-{place.name}"))
    return folder / "study"


def test_the_table_of_phases_tells_no_text_of_a_header(planted: Path) -> None:
    shown = runner.invoke(app, ["phases", str(planted), "--verbose"])
    assert shown.exit_code == 0
    assert "series 2" in shown.output
    assert "planted" not in shown.output.casefold().replace(str(planted), "")


@pytest.mark.parametrize(
    ("job", "arguments"),
    [
        ("run", {"dicom": "study", "noncontrast_series": "77", "excretory_series": "1"}),
        ("run", {"dicom": "study/excretory"}),
        ("segment", {"image": "study"}),
        ("export-dicom", {"volume": "volume.nii.gz", "source": "study/noncontrast", "excretory": "study"}),
    ],
)
def test_an_error_tells_series_apart_without_a_text_of_their_headers(
    exam: Path, planted: Path, tmp_path: Path, job: str, arguments: dict[str, str]
) -> None:
    shutil.copy(exam / "synthetic.nii.gz", planted.parent / "volume.nii.gz")
    places = {name: planted.parent / value if "series" not in name else value for name, value in arguments.items()}
    with pytest.raises(NephroSynthError) as raised:
        catalogue.execute(job, {**places, "out": tmp_path / "out"}, Progress())
    assert "series" in raised.value.what
    assert "planted" not in traceback_of(raised.value).casefold().replace(str(planted.parent), "")


def test_a_reason_quotes_no_unknown_modality_and_no_unknown_unit(planted: Path) -> None:
    found = catalogue.execute("phases", {"folder": planted}, Progress())
    assert "planted" not in json.dumps(found).casefold()
    reasons = {one["why"] for one in found["set_aside"]}
    assert reasons == {"another modality, not CT", "values in another unit, not in HU"}


@pytest.mark.usefixtures("jobs_run_here")
def test_what_was_not_read_is_told_with_the_reason(exam: Path, tmp_path: Path) -> None:
    shutil.copytree(exam / "study", tmp_path / "study")
    for name in ("autorun.inf", "viewer/readme.txt", "viewer/empty"):
        (tmp_path / "study" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "study" / name).write_bytes(b"" if name.endswith("empty") else b"no DICOM" * 20)
    expected = {"autorun.inf": "not DICOM", "viewer/readme.txt": "not DICOM", "viewer/empty": "empty"}
    archive = shutil.make_archive(str(tmp_path / "study"), "zip", tmp_path / "study")
    for place in (tmp_path / "study", Path(archive)):
        shown = runner.invoke(app, ["phases", str(place), "--json"])
        assert {one["file"]: one["why"] for one in json.loads(shown.stdout)["skipped"]} == expected
    shown = runner.invoke(app, ["phases", str(tmp_path / "study")])
    assert "2 files" in shown.stdout
    assert "none: not DICOM" in shown.stdout
    assert "none: empty" in shown.stdout


@pytest.mark.usefixtures("jobs_run_here")
def test_an_export_names_the_models_on_record(exam: Path, tmp_path: Path) -> None:
    options = ["--volume", exam / "synthetic.nii.gz", "--kidneys", exam / "kidneys.nii.gz", "--source", exam / "study"]
    shown = runner.invoke(app, ["export-dicom", *map(str, options), "--out", str(tmp_path / "dicom"), "--json"])
    assert shown.exit_code == 0, shown.output
    files = sorted((tmp_path / "dicom").rglob("*.dcm"))
    assert json.loads(shown.stdout)["files"] == len(files) == 41
    instance = pydicom.dcmread(tmp_path / "dicom/synthetic_nephrographic/00001.dcm")
    source = pydicom.dcmread(exam / "study/noncontrast/00001.dcm")
    assert instance.StudyInstanceUID == source.StudyInstanceUID
    assert instance.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert "ab" * 32 in instance.DerivationDescription


def referenced(folder: Path) -> set[str]:
    """The series that the slices of an export name as their sources."""
    instance = pydicom.dcmread(folder / "synthetic_nephrographic/00001.dcm")
    return {series.SeriesInstanceUID for series in instance.ReferencedSeriesSequence}


@pytest.mark.usefixtures("jobs_run_here")
def test_an_export_references_the_excretory_series_where_it_is_named_or_lies_elsewhere(
    exam: Path, tmp_path: Path
) -> None:
    study = exam / "study"
    uids = {
        phase: pydicom.dcmread(study / phase / "00001.dcm").SeriesInstanceUID for phase in ("noncontrast", "excretory")
    }
    options = ["export-dicom", "--volume", str(exam / "synthetic.nii.gz"), "--json"]
    ways = {
        "named": ["--source", study, "--excretory-series", uids["excretory"]],
        "elsewhere": ["--source", study / "noncontrast", "--excretory", study / "excretory"],
        "neither": ["--source", study],
    }
    for name, way in ways.items():
        shown = runner.invoke(app, [*options, *map(str, way), "--out", str(tmp_path / name)])
        assert shown.exit_code == 0, shown.output
        assert referenced(tmp_path / name) == ({uids["noncontrast"]} if name == "neither" else set(uids.values()))

    unclear = runner.invoke(
        app, [*options, "--source", str(study), "--excretory", str(study), "--out", str(tmp_path / "unclear")]
    )
    assert unclear.exit_code == 3
    assert "--excretory-series" in unclear.output
    assert not (tmp_path / "unclear").exists()


@pytest.mark.usefixtures("jobs_run_here")
def test_an_excretory_series_of_another_patient_is_refused(exam: Path, tmp_path: Path) -> None:
    shutil.copytree(exam / "study/excretory", tmp_path / "other")
    for path in (tmp_path / "other").iterdir():
        instance = pydicom.dcmread(path)
        instance.PatientID = "someone else"
        instance.save_as(path)
    options = ["--volume", exam / "synthetic.nii.gz", "--source", exam / "study/noncontrast"]
    options += ["--excretory", tmp_path / "other", "--out", tmp_path / "out"]
    shown = runner.invoke(app, ["export-dicom", *map(str, options)])
    assert shown.exit_code == 3
    assert "different patients" in shown.output
    assert not (tmp_path / "out").exists()

    for path in (tmp_path / "other").iterdir():  # an ID that is missing contradicts none
        instance = pydicom.dcmread(path)
        instance.PatientID = instance.PatientName = ""
        instance.save_as(path)
    assert runner.invoke(app, ["export-dicom", *map(str, options)]).exit_code == 0


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize("phase", ["noncontrast", "excretory"])
def test_an_acquired_phase_is_never_exported_as_synthetic_whatever_its_name(
    exam: Path, tmp_path: Path, phase: str
) -> None:
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(exam / "study" / phase))
    sitk.WriteImage(sitk.ReadImage(files), str(tmp_path / "volume.nrrd"))
    options = ["--volume", str(tmp_path / "volume.nrrd"), "--source", str(exam / "study")]
    shown = runner.invoke(
        app, ["export-dicom", *options, "--out", str(tmp_path / "dicom"), "--noncontrast-series", "1"]
    )
    assert shown.exit_code == 3, shown.output
    assert "not the synthetic nephrographic phase" in shown.stderr
    assert not (tmp_path / "dicom").exists()


@pytest.mark.usefixtures("jobs_run_here")
def test_a_volume_of_another_grid_is_exported_with_a_warning(exam: Path, tmp_path: Path) -> None:
    volume = sitk.ReadImage(str(exam / "synthetic.nii.gz"))
    sitk.WriteImage(volume[2:-2, 2:-2, 2:-2], str(tmp_path / "cropped.nii.gz"))
    options = ["--volume", str(tmp_path / "cropped.nii.gz"), "--source", str(exam / "study/noncontrast")]
    shown = runner.invoke(app, ["export-dicom", *options, "--out", str(tmp_path / "dicom"), "--json"])
    assert shown.exit_code == 0, shown.output
    assert "has another grid than" in " ".join(json.loads(shown.stdout)["warnings"])


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ("kidneys", "volume", "not in HU"),
        ("kidneys", "kidneys", "image 'kidneys' of a result"),
        ("synthetic", "excretory_registered", "image 'excretory_registered' of a result"),
    ],
)
def test_an_image_that_is_no_synthetic_phase_is_refused(
    exam: Path, tmp_path: Path, given: str, name: str, words: str
) -> None:
    shutil.copy(exam / f"{given}.nii.gz", tmp_path / f"{name}.nii.gz")
    options = ["--volume", tmp_path / f"{name}.nii.gz", "--source", exam / "study", "--out", tmp_path / "out"]
    shown = runner.invoke(app, ["export-dicom", *map(str, options)])
    assert shown.exit_code == 3
    assert words in shown.output
    assert not (tmp_path / "out").exists()


def test_a_registered_phase_is_no_synthetic_one_under_another_name(exam: Path, tmp_path: Path) -> None:
    image, path = sitk.ReadImage(str(exam / "synthetic.nii.gz")), tmp_path / "nephrographic.nii.gz"
    save_image(image, path, description=describe_image("excretory_registered", {}))
    arguments = {"volume": path, "source": exam / "study", "out": tmp_path / "out"}
    with pytest.raises(ImageContentError, match="image 'excretory_registered' of a result"):
        catalogue.execute("export-dicom", arguments, Progress())
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("jobs_run_here")
def test_a_label_map_with_exchanged_sides_is_put_right(exam: Path, tmp_path: Path) -> None:
    labels = sitk.ReadImage(str(exam / "kidneys.nii.gz"))
    sitk.WriteImage(sitk.ChangeLabel(labels, {1: 2, 2: 1}), str(tmp_path / "exchanged.nii.gz"))
    sitk.WriteImage(sitk.ChangeLabel(labels, {1: 2, 2: 3}), str(tmp_path / "totalsegmentator.nii.gz"))
    for name, told in (("exchanged", "were exchanged"), ("totalsegmentator", "TotalSegmentator")):
        options = ["--volume", exam / "synthetic.nii.gz", "--kidneys", tmp_path / f"{name}.nii.gz"]
        options += ["--source", exam / "study", "--out", tmp_path / name]
        shown = runner.invoke(app, ["export-dicom", *map(str, options), "--json"])
        assert shown.exit_code == 0, shown.output
        assert told in " ".join(json.loads(shown.stdout)["warnings"])
        segmentation = hd.seg.segread(tmp_path / name / "kidneys.dcm")
        read = segmentation.get_volume(combine_segments=True)
        for segment in segmentation.SegmentSequence:
            side = "left" if segment.SegmentLabel == "Left kidney" else "right"
            points = np.argwhere(read.array == segment.SegmentNumber) @ read.affine[:3, :3].T + read.affine[:3, 3]
            assert (points[:, 0].mean() > 0) == (side == "left")


@pytest.mark.usefixtures("jobs_run_here")
def test_an_export_without_identifiers_names_nobody(exam: Path, tmp_path: Path) -> None:
    options = ["--volume", exam / "synthetic.nii.gz", "--kidneys", exam / "kidneys.nii.gz", "--source", exam / "study"]
    shown = runner.invoke(app, ["export-dicom", *map(str, options), "--out", str(tmp_path / "dicom"), "--deidentify"])
    assert shown.exit_code == 0, shown.output
    source = pydicom.dcmread(exam / "study/noncontrast/00001.dcm")
    secrets = [source.PatientID, source.StudyInstanceUID, source.SeriesInstanceUID, source.FrameOfReferenceUID]
    files = sorted((tmp_path / "dicom").rglob("*.dcm"))
    assert len(files) == 41
    for path in files:
        assert pydicom.dcmread(path).PatientIdentityRemoved == "YES"
        assert not [secret for secret in secrets if str(secret).encode() in path.read_bytes()]


@pytest.mark.usefixtures("jobs_run_here")
def test_a_part_of_a_series_can_be_named(exam: Path, tmp_path: Path) -> None:
    shutil.copytree(exam / "study", tmp_path / "study")
    series = generate_uid()
    for part, path in enumerate(sorted((tmp_path / "study").iterdir()), start=1):
        for file in path.iterdir():
            instance = pydicom.dcmread(file)
            instance.SeriesInstanceUID, instance.SeriesNumber, instance.AcquisitionNumber = series, 7, part
            instance.save_as(file)
    index = index_dicom(tmp_path / "study")
    assert [(one.number, one.part) for one in index.volumes] == [(7, 1), (7, 2)]
    with pytest.raises(AmbiguousPhasesError, match="More than one"):
        choose_exam(index, {Phase.NONCONTRAST: "7", Phase.EXCRETORY: "7.1"})
    chosen = choose_exam(index, {Phase.NONCONTRAST: "7.2", Phase.EXCRETORY: "7.1"})
    assert chosen.series[Phase.NONCONTRAST].part == 2
    shown = runner.invoke(app, ["phases", str(tmp_path / "study")])
    assert "Series 7.2, non-contrast" in shown.stdout


@pytest.mark.usefixtures("jobs_run_here")
def test_a_directory_file_is_not_sent(exam: Path, tmp_path: Path) -> None:
    for name in ("DICOMDIR", "dicomdir"):
        shutil.copyfile(exam / "study/excretory/00001.dcm", tmp_path / name)
    shown = runner.invoke(app, ["send", str(tmp_path), "--host", "127.0.0.1", "--port", "9"])
    assert shown.exit_code == 3
    assert "no DICOM file to send" in shown.output


@pytest.mark.usefixtures("jobs_run_here")
def test_a_run_whose_export_fails_leaves_nothing(exam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(exam / "study", tmp_path / "study")
    for file in (tmp_path / "study/noncontrast").iterdir():
        instance = pydicom.dcmread(file)
        del instance.FrameOfReferenceUID
        instance.save_as(file)
    names = ["--noncontrast-series", "2", "--excretory-series", "1"]
    out = ["--out", str(tmp_path / "out"), "--dicom-out", str(tmp_path / "dicom")]
    shown = runner.invoke(app, ["run", "--dicom", str(tmp_path / "study"), *names, *out])
    assert shown.exit_code == 3
    assert "no frame of reference" in shown.output
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_a_pacs_that_is_not_there_ends_with_exit_5(exam: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    shown = runner.invoke(app, ["send", str(exam / "study/excretory"), "--host", "127.0.0.1", "--port", port])
    assert shown.exit_code == 5
    assert "cannot be reached" in shown.output


@pytest.mark.usefixtures("jobs_run_here")
def test_a_host_that_nobody_knows_and_a_title_that_is_none_are_told_in_words(exam: Path) -> None:
    folder = str(exam / "study/excretory")
    shown = runner.invoke(app, ["send", folder, "--host", "pacs.invalid"])
    assert (shown.exit_code, "is not known" in shown.output) == (5, True)
    shown = runner.invoke(app, ["send", folder, "--host", "127.0.0.1", "--aet", "A_TITLE_OF_17_CHR"])
    assert (shown.exit_code, "is no AE title" in shown.output) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--noncontrast and --excretory, or --dicom"),
        (["--dicom", "study", "--noncontrast", "a.nii"], "not both"),
        (["--noncontrast", "a.nii", "--excretory", "b.nii", "--noncontrast-series", "2"], "no DICOM exam is given"),
        *((["--dicom", "study", "--dicom-out", folder], "a folder of its own") for folder in ("out", "out/dicom", ".")),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(options: list[str], message: str) -> None:
    shown = runner.invoke(app, ["run", "--out", "out", *options], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 2
    assert message in shown.output


def test_dicom_output_needs_dicom_input(exam: Path, tmp_path: Path) -> None:
    volume = str(exam / "synthetic.nii.gz")
    options = ["--noncontrast", volume, "--excretory", volume, "--dicom-out", str(tmp_path / "dicom")]
    shown = runner.invoke(app, ["run", "--out", str(tmp_path / "out"), *options])
    assert shown.exit_code == 2
    assert "only when its phases are DICOM" in shown.output
    assert list(tmp_path.iterdir()) == []
