"""The names of output files: each job that writes a folder has them, so that no other folder is ever replaced."""

from __future__ import annotations

from fnmatch import fnmatch

from NephroSynthLib.files.outputs import OUTPUTS, REPORT, SUMMARY, TRANSFORM
from NephroSynthLib.jobs.catalogue import JOBS
from NephroSynthLib.jobs.request import WritingRequest

OF_THE_PANEL = {"sample"}


def test_each_command_that_writes_a_folder_declares_its_files() -> None:
    writing = {name for name, job in JOBS.items() if issubclass(job.request, WritingRequest)}
    assert writing - OF_THE_PANEL == set(OUTPUTS)


def test_a_run_is_recognized_by_its_files_and_a_thesis_is_not() -> None:
    def known(name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in OUTPUTS["run"])

    assert all(known(name) for name in (TRANSFORM, SUMMARY, REPORT, "kidneys.nrrd", "kidneys.nii.gz"))
    assert not known("thesis.txt")
    assert not any(pattern.startswith("*") for patterns in OUTPUTS.values() for pattern in patterns)
