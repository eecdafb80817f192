"""A manifest is read as a whole, or refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.cohort.manifest import COLUMNS, ListedExam, read_manifest, write_manifest
from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.settings import Settings

USUAL = Settings()


def listed(folder: Path, text: str, settings: Settings = USUAL) -> list[ListedExam]:
    path = folder / "exams.csv"
    path.write_text(text, encoding="utf-8")
    return read_manifest(path, settings, folder / "out/exams")


def test_the_columns_become_the_fields_of_the_run(tmp_path: Path) -> None:
    header = "Exam;noncontrast;excretory;mask;landmarks;delay;weight;dose;eGFR;split;unclear"
    (exam,) = listed(tmp_path, f"\ufeff{header}\nA 1;pre.nii.gz;/data/late;k.nii.gz;l.csv;600;72.5;35;90;test;who?\n\n")
    assert (exam.name, exam.split, exam.unclear) == ("A 1", "test", "who?")
    request, synthesis = exam.request, exam.request.settings.synthesis
    assert request.noncontrast == tmp_path / "pre.nii.gz"
    assert request.excretory == Path("/data/late")
    assert request.kidneys == tmp_path / "k.nii.gz"
    assert request.out == tmp_path / "out/exams/A 1"
    assert (request.label, request.overwrite) == ("A 1", True)
    assert (synthesis.excretory_delay_s, synthesis.weight_kg, synthesis.iodine_g) == (600, 72.5, 35)
    assert synthesis.egfr_ml_min == 90
    assert request.landmarks == tmp_path / "l.csv"
    assert set(exam.inputs) == {"noncontrast", "excretory", "kidneys", "landmarks"}


def test_what_the_line_tells_goes_before_the_settings_of_all(tmp_path: Path) -> None:
    settings = Settings(seed=5, synthesis={"steps": 3, "weight_kg": 80, "excretory_delay_s": 500})
    text = "exam,dicom,weight,delay\na,x,60,dicom\nb,y,,\n"
    a, b = (exam.request.settings for exam in listed(tmp_path, text, settings))
    assert (a.seed, a.synthesis.steps, a.synthesis.weight_kg) == (5, 3, 60)
    assert (a.synthesis.excretory_delay_s, a.delay_from_dicom) == (None, True)
    assert (b.synthesis.weight_kg, b.synthesis.excretory_delay_s, b.delay_from_dicom) == (80, 500, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lists no exam"),
        ("exam,dicom\n", "lists no exam"),
        ("exam,dicom,colour\na,x,red\n", "unknown column 'colour'"),
        ("exam,dicom,dicom\na,x,y\n", "column twice"),
        ("exam,dicom\na,x\n,y\n", "Line 3 of the manifest: The name of the exam"),
        ("exam,dicom\n../a,x\n", "Line 2 of the manifest: The name of the exam"),
        ("exam,dicom\nnul.txt,x\n", "Line 2 of the manifest: The name of the exam"),
        ("exam,dicom\na,x\nA,y\n", "Line 3 of the manifest: The exam 'A' stands in line 2 too"),
        ("exam,dicom\na,x,y\n", "Line 2 of the manifest: It has more cells"),
        ("exam,dicom,weight\na,x,heavy\n", "Line 2 of the manifest: The column weight must be a number"),
        ("exam,dicom,weight\na,x,1000\n", "Line 2 of the manifest: .*weight_kg must be at most 400"),
        ("exam,noncontrast\na,x\n", "Line 2 of the manifest: .*excretory phase is missing"),
        ("exam,noncontrast,excretory,dicom\na,x,y,z\n", "Line 2 of the manifest: Phases are given beside"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        listed(tmp_path, text)
    assert refused.value.action is Action.CORRECT_MANIFEST


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "exams.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "exams.csv", tmp_path / "none.csv"):
        with pytest.raises(UnreadableInputError, match="manifest"):
            read_manifest(path, Settings(), tmp_path)


def test_a_manifest_that_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "exams.csv"
    write_manifest(path, [{"exam": "a", "dicom": "x, y", "unclear": 'the "late" phase; patient'}])
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    (exam,) = read_manifest(path, Settings(), tmp_path)
    assert (exam.request.dicom, exam.unclear) == (tmp_path / "x, y", 'the "late" phase; patient')
