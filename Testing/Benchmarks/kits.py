"""Prints the measures of the KiTS challenges on a KiTS data set: Dice and surface Dice of each evaluation class.

The segmenter outlines the kidneys with their masses, and knows no tumour and no cyst. Therefore only the class 'kidney
and masses' is measured of it. Label maps of another method (1 kidney, 2 tumour, 3 cyst), named `case_00000.nii.gz` as
the challenge wants them, are measured in all three classes.

    python Testing/Benchmarks/kits.py kits23 --count 20
    python Testing/Benchmarks/kits.py kits23 --predictions nnunet-output
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.evaluation.kits_measures import CLASSES, KIDNEY_AND_MASSES, Agreement, kits_measures
from NephroSynthLib.exam.kits_layout import IMAGE, KITS_LABELS, exam_folders, is_kits_case, kits_files
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.segmentation.segmenter import segment_kidneys
from NephroSynthLib.settings import SegmentationSettings


def segmented(image: Path, reference: sitk.Image, model: str) -> dict[str, Agreement]:
    """Returns the measures of the segmenter in one case."""
    labels = segment_kidneys(read_volume(image).image, SegmentationSettings(model=model)).labels
    return kits_measures(labels, reference, [KIDNEY_AND_MASSES])


def main() -> None:
    """Prints a line for each case, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="root of KiTS19, KiTS21 or KiTS23")
    parser.add_argument("--predictions", type=Path, help="folder with label maps of another method")
    parser.add_argument("--model", default=SegmentationSettings().model, help="name or path of a segmenter's bundle")
    parser.add_argument("--count", type=int, help="measure the first COUNT cases only")
    options = parser.parse_args()
    files = {case.name: kits_files(case) for case in exam_folders(options.dataset) if is_kits_case(case)}
    cases = [name for name, found in files.items() if KITS_LABELS in found]
    if options.predictions:
        cases = [name for name in cases if (options.predictions / f"{name}.nii.gz").exists()]
    else:
        cases = [name for name in cases if IMAGE in files[name]]
    if not cases:
        parser.error("no case has all that is needed: a label map, and an image or a prediction")
    measured: dict[str, list[Agreement]] = defaultdict(list)
    for name in cases[: options.count]:
        reference = read_image_file(files[name][KITS_LABELS], "label map")
        if options.predictions:
            found = kits_measures(read_image_file(options.predictions / f"{name}.nii.gz", "prediction"), reference)
        else:
            found = segmented(files[name][IMAGE], reference, options.model)
        for kind, agreement in found.items():
            measured[kind].append(agreement)
            print(f"{name:12s} {kind:18s} {agreement.dice:6.3f} {agreement.surface_dice:12.3f}", flush=True)
    print(f"\n{'class':18s} {'cases':>5s} {'tolerance mm':>12s} {'Dice':>6s} {'surface Dice':>12s}")
    for each in (one for one in CLASSES if one.name in measured):
        agreements = measured[each.name]
        mean = [np.mean([one.dice for one in agreements]), np.mean([one.surface_dice for one in agreements])]
        print(f"{each.name:18s} {len(agreements):5d} {each.tolerance_mm:12.2f} {mean[0]:6.3f} {mean[1]:12.3f}")


if __name__ == "__main__":
    main()
