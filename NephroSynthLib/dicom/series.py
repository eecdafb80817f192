"""Series of slices: grouping of files into volumes, and splitting of series that hold several volumes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from pydicom.dataset import Dataset

from NephroSynthLib.dicom.file_header import DERIVED, REFORMAT, Header, Slice
from NephroSynthLib.dicom.file_parsing import integer_of
from NephroSynthLib.dicom.input_files import Skipped, Source
from NephroSynthLib.dicom.series_identity import Identity
from NephroSynthLib.dicom.stack import Stack, heights, irregularity, stack_of
from NephroSynthLib.imaging.grids import MIN_SLICES


@dataclass(frozen=True)
class Series:
    """A DICOM series, or a part of one that holds several acquisitions or orientations.

    Attributes:
        uid: Series Instance UID; empty if the files have none.
        part: 1, 2, ... for the parts of a split series; 0 for a whole series.
        slices: Slices, sorted along their normal (row x column direction); empty if the objects are not images.
        files: The files of the slices in this order, each once.
        stack: The grid of the volume; None where the slices make none.
        why_not_volume: The reason why it is not an axial CT volume in HU; None if it is one.
        header: The first slice's attributes without pixels, among them the contrast and time attributes.
    """

    uid: str
    study_uid: str
    number: int | None
    part: int
    slices: tuple[Slice, ...]
    files: tuple[Source, ...]
    stack: Stack | None
    why_not_volume: str | None
    header: Dataset = field(repr=False)
    identity: Identity = field(repr=False)

    @property
    def is_derived_volume(self) -> bool:
        """Whether it can be read as a volume and is set aside only because it was made from other images."""
        return self.stack is not None and self.why_not_volume in DERIVED

    @property
    def name(self) -> str:
        """Its number, with the part if the series is split, as users name it."""
        number = "without a number" if self.number is None else str(self.number)
        return f"{number}.{self.part}" if self.part else number

    @property
    def title(self) -> str:
        """Number, part, number of images and their distance, for lists and messages.

        It quotes no text of the header, because such a text can name the patient.
        """
        number = "without a number" if self.number is None else str(self.number)
        part = f", part {self.part}" if self.part else ""
        images = len(self.slices) or len(self.files)
        apart = f", {self.stack.spacing[2]:.3g} mm apart" if self.stack is not None else ""
        return f"series {number}{part} ({'1 image' if images == 1 else f'{images} images'}{apart})"


def build_series(headers: Iterable[Header]) -> tuple[list[Series], list[Skipped]]:
    """Groups headers by patient, study and series, and splits series that hold several volumes.

    Slices in different frames of reference are never one volume.
    """
    grouped: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        grouped[_series_key(header)].append(header)
    series: list[Series] = []
    skipped: list[Skipped] = []
    for members in grouped.values():
        stacks: list[list[Slice]] = []
        for together in _by_frame_of_reference(members):
            for parallel in _parallel(piece for member in together for piece in member.slices):
                unique, duplicates = _without_duplicates(parallel)
                skipped.extend(duplicates)
                stacks.extend(_split(unique))
        if not stacks:
            files = tuple(member.source for member in members)
            series.append(_series(members[0], files, why_not_volume=members[0].set_aside or "without images"))
        for part, stack in enumerate(stacks, start=1):
            series.append(_volume(members, stack, part if len(stacks) > 1 else 0))
    return sorted(series, key=lambda s: (s.study_uid, s.number or 0, s.uid, s.part)), skipped


def _series_key(header: Header) -> Hashable:
    identity, dataset = header.identity, header.dataset
    patient = (identity.patient_id, identity.patient_name, identity.birth_date)
    if identity.series:
        return (*patient, identity.study_uid, identity.series, header.set_aside)
    named = tuple(str(dataset.get(keyword) or "") for keyword in ("SeriesNumber", "SeriesDescription", "Modality"))
    return (*patient, identity.study_uid, header.source.parent, identity.frame_of_reference, named, header.set_aside)


def _by_frame_of_reference(members: Sequence[Header]) -> list[list[Header]]:
    """Groups files by frame of reference; files without one join the largest group.

    If no frame of reference holds a volume, all files stay together, because some anonymizers write one for each file.
    """
    groups: dict[str, list[Header]] = defaultdict(list)
    for member in members:
        groups[member.identity.frame_of_reference].append(member)
    most = max(groups, key=lambda frame: sum(len(member.slices) for member in groups[frame]))
    if most and "" in groups:
        groups[most] += groups.pop("")
    volume = sum(len(member.slices) for member in groups[most]) >= MIN_SLICES
    return list(groups.values()) if volume else [list(members)]


def _parallel(slices: Iterable[Slice]) -> list[list[Slice]]:
    """Groups slices by size, voxel size and orientation."""
    groups: list[list[Slice]] = []
    for piece in slices:
        group = next((group for group in groups if group[0].plane.parallel(piece.plane)), None)
        if group is None:
            groups.append([piece])
        else:
            group.append(piece)
    return groups


def _without_duplicates(slices: Sequence[Slice]) -> tuple[list[Slice], list[Skipped]]:
    """Removes copies of slices: the same instance at the same place, or the same file content."""
    places: dict[tuple[float, ...], list[Slice]] = defaultdict(list)
    for piece in slices:
        places[piece.plane.position].append(piece)
    unique: list[Slice] = []
    duplicates: list[Skipped] = []
    for pieces in places.values():
        kept: dict[Hashable, Slice] = {}
        for piece in pieces:
            first = kept.setdefault(_content(piece) if len(pieces) > 1 else piece.uid, piece)
            if first is not piece:
                duplicates.append(Skipped(piece.source, "a copy of another file"))
        unique.extend(kept.values())
    return unique, duplicates


def _content(piece: Slice) -> Hashable:
    if piece.uid:
        return piece.uid, piece.frame
    return hashlib.sha256(piece.source.read_bytes()).digest(), piece.frame


def _split(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Splits slices into volumes by the first trait that leaves regular stacks, or by turns at each position.

    Slices that make one regular stack stay together whatever their traits. So do slices that no trait separates.
    """
    ordered = _sorted(slices)
    if irregularity([piece.plane for piece in ordered]) is None:
        return [ordered]
    for candidates in _candidate_splits(ordered):
        regular = [part for part in candidates if irregularity([piece.plane for piece in part]) is None]
        stationary = [part for part in candidates if np.ptp(heights([piece.plane for piece in part])) < 0.01]
        sorted_out = all(part in regular or part in stationary for part in candidates)
        if sorted_out and max((len(part) for part in regular), default=0) >= MIN_SLICES:
            return candidates
    return [ordered]


def _candidate_splits(ordered: Sequence[Slice]) -> Iterator[list[list[Slice]]]:
    for trait in range(len(ordered[0].traits)):
        groups: dict[str, list[Slice]] = defaultdict(list)
        for piece in ordered:
            groups[piece.traits[trait]].append(piece)
        if 1 < len(groups) <= len(ordered) // 2:
            yield list(groups.values())
    turns: dict[int, list[Slice]] = defaultdict(list)
    count: dict[tuple[float, ...], int] = defaultdict(int)
    for piece in ordered:
        turns[count[piece.plane.position]].append(piece)
        count[piece.plane.position] += 1
    if len(turns) > 1:
        yield list(turns.values())


def _sorted(slices: Sequence[Slice]) -> list[Slice]:
    """Sorts slices by height, and by instance number at the same height."""
    along = heights([piece.plane for piece in slices]).round(3)
    order = np.lexsort((np.array([piece.number for piece in slices]), along))
    return [slices[index] for index in order]


def _volume(members: Sequence[Header], slices: Sequence[Slice], part: int) -> Series:
    planes = [piece.plane for piece in slices]
    problem = irregularity(planes)
    if problem is None and len(slices) < MIN_SLICES:
        problem = f"only {len(slices)} slices"
    if problem is None:
        problem = members[0].set_aside
    if problem is None and abs(planes[0].normal[2]) < 0.7:
        problem = REFORMAT
    files = tuple(dict.fromkeys(piece.source for piece in slices))
    first = next(member for member in members if member.source is slices[0].source)
    stack = stack_of(planes) if problem is None or problem in DERIVED else None
    return _series(first, files, tuple(slices), part, stack, problem)


def _series(
    header: Header,
    files: tuple[Source, ...],
    slices: tuple[Slice, ...] = (),
    part: int = 0,
    stack: Stack | None = None,
    why_not_volume: str | None = None,
) -> Series:
    dataset, identity = header.dataset, header.identity
    identity = replace(identity, series=f"{identity.series}#{part}" if identity.series else "")
    return Series(
        header.identity.series,
        identity.study_uid,
        integer_of(dataset, "SeriesNumber"),
        part,
        slices,
        files,
        stack,
        why_not_volume,
        dataset,
        identity,
    )
