"""The search for the phases among the loaded volumes, by image, name and DICOM header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from NephroSynthLib.errors import Action, NephroSynthError, UsageError
from NephroSynthLib.mrml.dicom_database import read_header
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.provenance import COMPARISON, provenance
from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.session.steps import Step, Steps, in_background, load_modules

if TYPE_CHECKING:
    from NephroSynthLib.phases.judge import JudgedAcquisition

_LEAST = 0.5
_SCENE = "scene"  # all loaded volumes share the frame of the scene
_SHARE_OF_MEASURING = 0.7
_WANTED = {
    "noncontrast": (Phase.NONCONTRAST, _("non-contrast")),
    "excretory": (Phase.EXCRETORY, _("excretory")),
    "nephrographic": (Phase.NEPHROGRAPHIC, _("nephrographic")),
}


@dataclass(frozen=True)
class PhaseSuggestion:
    """The volumes that are likely the phases.

    Attributes:
        noncontrast: The non-contrast phase, or None.
        excretory: The excretory phase, or None.
        nephrographic: The nephrographic phase, or None.
        reasons: The probability of each phase found and the reasons for it, by the names above.
        warnings: Sentences about doubts.
    """

    noncontrast: slicer.vtkMRMLScalarVolumeNode | None
    excretory: slicer.vtkMRMLScalarVolumeNode | None
    nephrographic: slicer.vtkMRMLScalarVolumeNode | None
    reasons: dict[str, str]
    warnings: list[str]


def find_phases(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode], files: Sequence[Path | None] | None = None
) -> Steps[PhaseSuggestion]:
    """Finds the phases among volumes of one exam, step by step.

    Label maps and volumes that NephroSynth made are ignored.

    Args:
        nodes: CT volumes.
        files: The DICOM file of one slice of each volume, in the same order. None for a volume without one.

    Returns:
        A generator of steps whose value is the `PhaseSuggestion`.

    Raises:
        UsageError: While stepping, if fewer than two or more than eight volumes are left.
    """
    yield from load_modules("NephroSynthLib.mrml.volume_nodes", "NephroSynthLib.phases.judge")
    from NephroSynthLib.mrml.volume_nodes import image_source
    from NephroSynthLib.phases.candidate import Candidate, Comparisons
    from NephroSynthLib.phases.judge import judge
    from NephroSynthLib.phases.pixel_evidence import measure
    from NephroSynthLib.phases.reconstructions import by_time
    from NephroSynthLib.phases.scoring import MAX_ACQUISITIONS

    chosen = [index for index, node in enumerate(nodes) if not node.IsA("vtkMRMLLabelMapVolumeNode")]
    chosen = [index for index in chosen if not provenance(nodes[index]) and not nodes[index].GetAttribute(COMPARISON)]
    if not 2 <= len(chosen) <= MAX_ACQUISITIONS:
        raise UsageError(
            _("Phases are found among 2 to {most} acquired volumes, not among {count}.").format(
                most=MAX_ACQUISITIONS, count=len(chosen)
            ),
            Action.NAME_SERIES,
        )
    found, warnings = [], []
    for number, index in enumerate(chosen):
        node = nodes[index]
        looking = _("Looking at volume {number} of {count}").format(number=number + 1, count=len(chosen))
        step = Step(_SHARE_OF_MEASURING * number / len(chosen), looking)
        yield step
        try:
            image = yield from in_background(image_source(node), step)
        except NephroSynthError as error:
            warnings.append(error.what)
            continue
        measured = yield from in_background(partial(measure, image), step)
        header = yield from in_background(partial(read_header, files[index] if files else None), step)
        spacing = node.GetSpacing()[2]
        found.append((Candidate("", "", measured, _SCENE, header, node.GetName() or "", spacing, number), node))
    found.sort(key=lambda one: by_time(one[0]))
    candidates = [candidate for candidate, _node in found]
    comparisons = Comparisons(candidates)
    step = Step(_SHARE_OF_MEASURING, _("Comparing the volumes"))
    for first, second in combinations(range(len(candidates)), 2):
        yield from in_background(partial(comparisons, first, second), step)
    judged = yield from in_background(partial(judge, candidates, comparisons), step)
    yield Step(1.0, _("Compared"))
    return _suggest([node for _candidate, node in found], judged.acquisitions, warnings)


def _suggest(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode], acquisitions: Sequence[JudgedAcquisition], warnings: list[str]
) -> PhaseSuggestion:
    found: dict[str, slicer.vtkMRMLScalarVolumeNode | None] = dict.fromkeys(_WANTED)
    reasons = {}
    for role, (phase, title) in _WANTED.items():
        possible = [one for one in acquisitions if one.phase is phase and one.probability >= _LEAST]
        if not possible:
            continue
        best = max(possible, key=lambda one: one.probability)
        found[role] = nodes[best.volume]
        why = "; ".join(one.text for one in best.evidence if not one.speaks_against(phase))
        likely = _("{percent} % likely").format(percent=f"{100 * best.probability:.0f}")
        reasons[role] = f"{likely}: {why}" if why else likely
        if not best.sure:
            warnings.append(_("The choice of the {phase} phase is not sure.").format(phase=title))
    for role in ("noncontrast", "excretory"):
        if found[role] is None:
            warnings.append(_("No volume looks like the {phase} phase.").format(phase=_WANTED[role][1]))
    return PhaseSuggestion(**found, reasons=reasons, warnings=warnings)
