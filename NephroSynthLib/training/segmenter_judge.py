"""The segmenter as a judge: does it find the same kidneys in a synthetic volume as in the acquired one?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.evaluation.overlap import kidney_overlap
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.segmenter import segment_kidneys
from NephroSynthLib.settings import SegmentationSettings
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training.scores import Figures, Volume


def found_kidneys(hu: Volume, file: Path, device: str, progress: Progress) -> sitk.Image:
    """Returns the kidneys that the shipped segmenter finds in a volume, from a file if it is there.

    Args:
        hu: HU, (z, y, x), on the working grid.
        file: Keeps the labels.
        device: Where the network runs.
        progress: Receives each denoising step.
    """
    if not file.exists():
        image = sitk.GetImageFromArray(hu)
        image.SetSpacing(WORKING_SPACING)
        labels = segment_kidneys(image, SegmentationSettings(), device=device, progress=progress).labels
        with staged_file(file) as temporary:
            np.savez_compressed(temporary, labels=sitk.GetArrayFromImage(labels))
    with np.load(file) as stored:
        kept = sitk.GetImageFromArray(stored["labels"])
    kept.SetSpacing(WORKING_SPACING)
    return kept


def agreement(synthetic: sitk.Image, acquired: sitk.Image) -> Figures:
    """Returns Dice and mean surface distance of two label maps, each the mean over the kidneys.

    Returns:
        `segmenter_dice`, None where neither has a kidney; `segmenter_surface_mm`, None where one of the two lacks a
        kidney that the other one has.
    """
    overlaps = list(kidney_overlap(acquired, synthetic).values())
    surfaces = [one.mean_surface_distance_mm for one in overlaps]
    distances = [surface for surface in surfaces if surface is not None]
    return {
        "segmenter_dice": float(np.mean([one.dice for one in overlaps])) if overlaps else None,
        "segmenter_surface_mm": float(np.mean(distances)) if distances and None not in surfaces else None,
    }
