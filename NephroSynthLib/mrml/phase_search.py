"""Which of the loaded volumes is which phase, by image, name and DICOM header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import slicer

from NephroSynthLib.errors import Action, NephroSynthError, UsageError
from NephroSynthLib.mrml.comparison import COMPARISON
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.provenance import provenance
from NephroSynthLib.mrml.steps import LoadStep, Steps, finish, in_background
from NephroSynthLib.mrml.volume_nodes import image_from_node
from NephroSynthLib.phases.evidence import PHASES, Evidence, Phase
from NephroSynthLib.phases.pixel_evidence import compare, image_evidence, measure
from NephroSynthLib.phases.scoring import MAX_ACQUISITIONS, Pair, phase_probabilities
from NephroSynthLib.phases.tag_evidence import read_tags
from NephroSynthLib.phases.words import read_description

if TYPE_CHECKING:
    from pydicom import Dataset

_LEAST, _SURE = 0.5, 0.95
_SHARE_OF_MEASURING = 0.7
_WANTED = {
    "noncontrast": (Phase.NONCONTRAST, _("non-contrast")),
    "excretory": (Phase.EXCRETORY, _("excretory")),
    "nephrographic": (Phase.NEPHROGRAPHIC, _("nephrographic")),
}


@dataclass(frozen=True)
class PhaseSuggestion:
    """Which volume is likely which phase; None where none is.

    Attributes:
        reasons: For each phase found, by its field's name, how sure it is and why.
        warnings: What is doubtful, as sentences.
    """

    noncontrast: slicer.vtkMRMLScalarVolumeNode | None
    excretory: slicer.vtkMRMLScalarVolumeNode | None
    nephrographic: slicer.vtkMRMLScalarVolumeNode | None
    reasons: dict[str, str]
    warnings: list[str]


def find_phases(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode], headers: Sequence[Dataset | None] | None = None
) -> Steps[PhaseSuggestion]:
    """Suggests the phases among volumes of one exam, step by step.

    Label maps and volumes that NephroSynth made are left out.

    Args:
        nodes: CT volumes.
        headers: The DICOM header of one instance of each, in the same order; None where there is none.

    Returns:
        A generator of steps whose value is the `PhaseSuggestion`.

    Raises:
        UsageError: If fewer than two or more than eight volumes are left; while stepping.
    """
    chosen = [index for index, node in enumerate(nodes) if not node.IsA("vtkMRMLLabelMapVolumeNode")]
    chosen = [index for index in chosen if not provenance(nodes[index]) and not nodes[index].GetAttribute(COMPARISON)]
    if not 2 <= len(chosen) <= MAX_ACQUISITIONS:
        raise UsageError(
            _("Phases are found among 2 to {most} acquired volumes, not among {count}.").format(
                most=MAX_ACQUISITIONS, count=len(chosen)
            ),
            Action.NAME_SERIES,
        )
    volumes = [nodes[index] for index in chosen]
    measured, warnings = [], []
    for number, node in enumerate(volumes):
        step = LoadStep(_SHARE_OF_MEASURING * number / len(volumes), _("Looking at {name}").format(name=node.GetName()))
        yield step
        try:
            image = image_from_node(node)
        except NephroSynthError as error:
            warnings.append(error.what)
            continue
        found = yield from in_background(partial(measure, image), step)
        measured.append((node, number, found))
    said = _read_words(volumes, [None if headers is None else headers[index] for index in chosen])
    evidence = [[*image_evidence(found), *said[number]] for _, number, found in measured]
    pairs = []
    for first, second in combinations(range(len(measured)), 2):
        step = LoadStep(_SHARE_OF_MEASURING, _("Comparing the volumes"))
        one, other = measured[first][2], measured[second][2]
        comparison = yield from in_background(partial(compare, one, other), step)
        if comparison is not None:
            pairs.append(Pair(first, second, comparison))
    yield LoadStep(1.0, _("Compared"))
    return _suggest([node for node, _, _ in measured], evidence, pairs, warnings)


def _read_words(
    volumes: Sequence[slicer.vtkMRMLScalarVolumeNode], headers: Sequence[Dataset | None]
) -> list[list[Evidence]]:
    """What header and name say of each volume; a header has the name's description, so only one of them counts."""
    with_header = [number for number, header in enumerate(headers) if header is not None]
    tags = read_tags([header for header in headers if header is not None]) if with_header else []
    said = [read_description(node.GetName() or "") for node in volumes]
    for number, found in zip(with_header, tags, strict=True):
        said[number] = found
    return said


def find_phases_now(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode], headers: Sequence[Dataset | None] | None = None
) -> PhaseSuggestion:
    """Suggests the phases at once; arguments and errors as those of `find_phases`."""
    return finish(find_phases(nodes, headers))


def _suggest(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    evidence: Sequence[Sequence[Evidence]],
    pairs: Sequence[Pair],
    warnings: list[str],
) -> PhaseSuggestion:
    found: dict[str, slicer.vtkMRMLScalarVolumeNode | None] = dict.fromkeys(_WANTED)
    reasons = {}
    probabilities = phase_probabilities(evidence, pairs) if nodes else None
    for role, (phase, title) in _WANTED.items():
        if probabilities is None:
            break
        column = probabilities[:, PHASES.index(phase)]
        best = int(column.argmax())
        probability = float(column[best])
        if probability < _LEAST:
            continue
        found[role] = nodes[best]
        why = "; ".join(one.text for one in evidence[best] if not one.speaks_against(phase))
        likely = _("{percent} % likely").format(percent=f"{100 * probability:.0f}")
        reasons[role] = f"{likely}: {why}" if why else likely
        if probability < _SURE:
            warnings.append(
                _("Whether '{name}' is the {phase} phase is not sure.").format(name=nodes[best].GetName(), phase=title)
            )
    for role in ("noncontrast", "excretory"):
        if found[role] is None:
            warnings.append(_("No volume looks like the {phase} phase.").format(phase=_WANTED[role][1]))
    return PhaseSuggestion(**found, reasons=reasons, warnings=warnings)
