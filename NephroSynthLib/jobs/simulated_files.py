"""Simulated exams as files: the phases in the form of an acquired CT, and the truth, all labelled as simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.files.json_values import finite
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid, SimulatedExam, Tissue, simulate

NOTICE = "Simulated by NephroSynth; no person was scanned. Research use only."
PHASES = ("noncontrast", "nephrographic", "excretory")

Format = Literal["nifti", "nrrd", "dicom"]


@dataclass(frozen=True)
class SimulatedFiles:
    """A simulated exam and its images.

    Attributes:
        exam: The exam.
        images: Its images by name (`NephroSynthLib.exam.simulated_images.to_images`).
        anatomy: Name of the label map that drove it; empty if the patient was drawn.
    """

    exam: SimulatedExam
    images: Mapping[str, sitk.Image]
    anatomy: str = ""

    @staticmethod
    def simulate(
        seed: int, progress: Progress, reference: Grid | None = None, anatomies: AnatomyFolder | None = None
    ) -> SimulatedFiles:
        """Simulates the exam of a seed.

        Args:
            seed: The seed.
            progress: Told when it begins and ends.
            reference: Grid of the non-contrast phase; drawn from the seed when None.
            anatomies: Real patients, of which the seed may choose one; the patient is drawn when None.
        """
        progress.update(0.0, f"Simulating exam {seed}")
        exam = simulate(seed, reference=reference, anatomy=anatomies.choose(seed) if anatomies else None)
        images = to_images(exam)
        progress.update(1.0, f"Exam {seed} simulated")
        return SimulatedFiles(exam, images, anatomies.name(seed) if anatomies else "")

    def write_phases(self, folder: Path, file_format: Format, progress: Progress) -> None:
        """Writes the three phases, each as a file or as a folder with a DICOM series of one study."""
        phases = {phase: self.images[phase] for phase in PHASES}
        if file_format == "dicom":
            progress.update(0.0, "Writing three DICOM series")
            kinetics = self.exam.kinetics
            delays = {"noncontrast": None, "nephrographic": kinetics.nephrographic_s, "excretory": kinetics.excretory_s}
            write_simulated_study(phases, folder, seed=self.exam.seed, delays_s=delays)
        else:
            _write(phases, _suffix(file_format), folder, progress)

    def write_truth(self, folder: Path, file_format: Format, progress: Progress) -> None:
        """Writes the truth on the non-contrast grid, for a DICOM exam as NIfTI.

        The truth consists of the labels, the noise-free nephrographic phase (HU), the displacements (LPS mm), and
        `truth.json` with the patient's label map, the kinetics, the findings and the meaning of each label.
        """
        truth = {name: image for name, image in self.images.items() if name not in PHASES}
        for name in truth:
            if name.endswith("displacement"):
                truth[name] = sitk.Cast(truth[name], sitk.sitkVectorFloat32)
        _write(truth, _suffix(file_format), folder, progress)
        facts = {
            "notice": NOTICE,
            "seed": self.exam.seed,
            "anatomy": self.anatomy or None,
            "kinetics": asdict(self.exam.kinetics),
            "findings": [asdict(finding) for finding in self.exam.findings],
            "tissues": {tissue.name.lower(): int(tissue) for tissue in Tissue},
        }
        (folder / "truth.json").write_text(json.dumps(finite(facts), indent=2), encoding="utf-8")


def _suffix(file_format: Format) -> str:
    return ".nrrd" if file_format == "nrrd" else ".nii.gz"


def _write(images: Mapping[str, sitk.Image], suffix: str, folder: Path, progress: Progress) -> None:
    for index, (name, image) in enumerate(images.items()):
        progress.update(index / len(images), f"Writing {name}")
        image.SetMetaData("ITK_FileNotes", NOTICE)
        save_image(image, folder / f"{name}{suffix}")
    progress.update(1.0)
