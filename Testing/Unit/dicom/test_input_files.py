from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.input_files import find_sources
from NephroSynthLib.errors import UnreadableInputError

DICOM = b"\0" * 128 + b"DICM"


def reasons(path: Path) -> dict[str, str]:
    return {skipped.path.name: skipped.reason for skipped in find_sources(path)[1]}


def write_dicomdir(folder: Path, names: list[list[str]]) -> Path:
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    directory.FileSetID = "TEST"
    directory.DirectoryRecordSequence = []
    for name in [[], *names]:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE" if name else "PATIENT"
        if name:
            record.ReferencedFileID = name
        directory.DirectoryRecordSequence.append(record)
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


class TestFolder:
    def test_nested_files_are_found(self, tmp_path: Path) -> None:
        for name in ("b/c/d/1", "b/2", "3"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        assert [source.name for source in find_sources(tmp_path)[0]] == ["3", "2", "1"]

    def test_loops_of_links_end(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "1").touch()
        (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
        (tmp_path / "a" / "again").symlink_to(tmp_path / "a" / "b")
        (tmp_path / "self").symlink_to(tmp_path / "self")
        sources, skipped = find_sources(tmp_path)
        assert [source.name for source in sources] == ["1"]
        assert len(skipped) == 3

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert reasons(tmp_path) == {"pipe": "not a regular file"}

    @pytest.mark.skipif(sys.platform != "linux", reason="needs paths of 3,000 characters")
    def test_folders_in_folders_without_end(self, tmp_path: Path) -> None:
        folders = [tmp_path]
        for _ in range(1100):
            folders.append(folders[-1] / "a")
            folders[-1].mkdir()
        try:
            (folders[-1] / "1").touch()
            assert [source.name for source in find_sources(tmp_path)[0]] == ["1"]
        finally:  # shutil removes no tree as deep as this
            (folders[-1] / "1").unlink()
            for folder in reversed(folders[1:]):
                folder.rmdir()

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableInputError, match="does not exist"):
            find_sources(tmp_path / "absent")


class TestDicomdir:
    def test_lists_its_files_in_any_case(self, tmp_path: Path) -> None:
        (tmp_path / "images").mkdir()
        for name in ("im1", "im2", "unlisted"):
            (tmp_path / "images" / name).write_bytes(DICOM)
        path = write_dicomdir(tmp_path, [["IMAGES", "IM1"], ["IMAGES", "IM2"]])
        assert [source.name for source in find_sources(path)[0]] == ["im1", "im2"]

    def test_a_folder_of_names_in_the_other_case_is_listed_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "images").mkdir()
        names = [f"im{number}" for number in range(30)]
        for name in names:
            (tmp_path / "images" / name).write_bytes(DICOM)
        path = write_dicomdir(tmp_path, [["IMAGES", name.upper()] for name in names])
        listed: list[Path] = []
        iterdir = Path.iterdir
        monkeypatch.setattr(Path, "iterdir", lambda folder: listed.append(folder) or iterdir(folder))
        assert [source.name for source in find_sources(path)[0]] == names
        assert sorted(listed) == [tmp_path, tmp_path / "images"]

    @pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
    @pytest.mark.parametrize("name", [["ABSENT"], ["..", "outside"], ["IMAGES", "..", "..", "outside"], [".."]])
    def test_what_is_not_there_or_outside_is_skipped(self, tmp_path: Path, name: list[str]) -> None:
        (tmp_path / "outside").write_bytes(DICOM)
        (tmp_path / "medium" / "IMAGES").mkdir(parents=True)
        sources, skipped = find_sources(write_dicomdir(tmp_path / "medium", [name]))
        assert sources == []
        assert "not there" in skipped[0].reason

    def test_a_damaged_one(self, tmp_path: Path) -> None:
        path = write_dicomdir(tmp_path, [["A"]])
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(UnreadableInputError, match="DICOMDIR"):
            find_sources(path)


class TestZip:
    def test_members_are_read_in_place(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("patient/study/IM1", DICOM)
            archive.writestr("readme.txt", "hello")
        sources, skipped = find_sources(tmp_path / "study.zip")
        assert [source.name for source in sources] == ["IM1", "readme.txt"]
        assert sources[0].read_bytes() == DICOM
        assert skipped == []
        assert [entry.name for entry in tmp_path.iterdir()] == ["study.zip"]

    @pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil"])
    def test_a_name_that_climbs_out_is_skipped(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "a/b").mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / "a/b/study.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), DICOM)
            archive.writestr("good", DICOM)
        index = index_dicom(tmp_path / "a/b/study.zip")
        assert [one.path.name for one in index.skipped if "leads out" not in one.reason] == ["good"]
        assert [one.reason for one in index.skipped if one.path.name != "good"] == ["its name leads out of the zip"]
        assert [str(entry.relative_to(tmp_path)) for entry in sorted(tmp_path.rglob("*"))] == [
            "a",
            "a/b",
            "a/b/study.zip",
        ]

    def test_a_member_that_inflates_without_end_is_skipped(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb", DICOM + b"\0" * (100 << 20))
        assert reasons(tmp_path / "study.zip") == {"bomb": "inflates out of all proportion"}

    def test_one_that_announces_too_much_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "study.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for index in range(40):
                archive.writestr(str(index), b"x")
        data = path.read_bytes()
        size = (1).to_bytes(4, "little")
        announced = data.replace(size + size, size + (0xFFFFFFF0).to_bytes(4, "little"))
        path.write_bytes(announced)
        with pytest.raises(UnreadableInputError, match="inflates to more than"):
            find_sources(path)

    def test_a_damaged_one(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
            archive.writestr("a", DICOM * 10)
        data = (tmp_path / "study.zip").read_bytes()
        (tmp_path / "study.zip").write_bytes(data[: len(data) - 30])
        with pytest.raises(UnreadableInputError):
            find_sources(tmp_path / "study.zip")
