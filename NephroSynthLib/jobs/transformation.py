"""The job `transform`: the transform of a result, applied to volumes, label maps and points, and its maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import INVERSE_TRANSFORM, MOVED_POINTS, OUTPUTS, SUMMARY, TRANSFORM
from NephroSynthLib.files.staging import staged_folder
from NephroSynthLib.jobs.request import Summary, Volume, WritingRequest
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import SimpleITK as sitk
    from numpy.typing import NDArray

_ON_ITS_GRID = ("excretory_registered.nii.gz", "excretory_registered.nrrd")
_CHECKED, _SEED = 1000, 20250226


class TransformRequest(WritingRequest):
    """Applies the transform of a result, or its inverse, to a volume, a label map or points."""

    transform: Path = Field(description="Folder of a result, or its excretory_to_noncontrast.h5.")
    volume: Volume | None = Field(None, description="Volume in the excretory frame; it is interpolated linearly.")
    labels: Path | None = Field(None, description="Label map in that frame; each voxel takes the nearest label.")
    points: Path | None = Field(None, description="Points in that frame: Slicer's markups (.mrk.json) or CSV.")
    like: Path | None = Field(
        None, description="Image whose grid the output takes. With the folder of a result, it is the result's own."
    )
    inverse: bool = Field(False, description="Carry from the non-contrast to the excretory frame instead.")
    inverse_field: bool = Field(False, description="Write the inverse transform.")
    jacobian: bool = Field(
        False, description="Write the ratio of volumes at each voxel: the absolute determinant of the Jacobian."
    )
    displacement: bool = Field(False, description="Write the length of the displacement in mm at each voxel.")

    @model_validator(mode="after")
    def _check_wishes(self) -> TransformRequest:
        things = (self.volume, self.labels, self.points)
        if all(thing is None for thing in things) and not (self.inverse_field or self.wants_maps):
            raise UsageError("There is nothing to transform, and no map is asked for.", Action.GIVE_TRANSFORMED)
        if self.inverse and self.like is None and (self.volume or self.labels or self.wants_maps):
            raise UsageError("The grid in the excretory frame is missing.", Action.GIVE_GRID)
        return self

    @property
    def wants_maps(self) -> bool:
        """Whether a map of the transform on a grid is wanted."""
        return self.jacobian or self.displacement


def transform(request: TransformRequest, progress: Progress) -> Summary:
    """Carries images and points from the excretory to the non-contrast frame, or back.

    Raises:
        UsageError: If an image or a map is wanted, and no grid is given or known.
        UnreadableInputError: If a file cannot be read.
        ImageContentError: If the transform has no inverse.
    """
    import SimpleITK as sitk

    from NephroSynthLib.imaging.image_files import save_image
    from NephroSynthLib.registration import inversion

    reading, saving = progress.stage("read"), progress.stage("save")
    forward = read_transform(request.transform)
    needs_inverse = request.inverse or request.inverse_field or request.points is not None
    backward = inversion.inverse(forward) if needs_inverse else None
    images = _images(request, backward if request.inverse and backward else forward)
    moved = _points(request, forward)
    reading.update(1.0, "Read the transform")
    start, end = ("noncontrast", "excretory") if request.inverse else ("excretory", "noncontrast")
    summary: Summary = {
        "notice": RESEARCH_ONLY,
        "from": start,
        "to": end,
        "inverse_error_mm": inversion.largest_error(forward, backward, _CHECKED, _SEED) if backward else None,
    }
    with staged_folder(request.out, request.overwrite, OUTPUTS["transform"]) as folder:
        for number, (name, image) in enumerate(images.items()):
            saving.update(number / len(images), f"Writing {name}")
            save_image(image, folder / f"{name}.nii.gz")
        for name, text in moved.items():
            (folder / name).write_text(text, encoding="utf-8")
        if request.inverse_field and backward:
            sitk.WriteTransform(backward, str(folder / INVERSE_TRANSFORM))
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2), encoding="utf-8")
    saving.update(1.0)
    return summary


def read_transform(path: Path) -> sitk.Transform:
    """Reads an ITK transform, or the one in a folder of results.

    Raises:
        UnreadableInputError: If the file cannot be read.
    """
    import SimpleITK as sitk

    file = path / TRANSFORM if path.is_dir() else path
    try:
        transform = sitk.ReadTransform(str(file))
    except RuntimeError:
        raise UnreadableInputError(
            f"The transform '{file.name}' is missing, damaged or of another format.", Action.GIVE_TRANSFORM
        ) from None
    if transform.GetDimension() != 3:
        raise UnreadableInputError(f"The transform '{file.name}' is not three-dimensional.", Action.GIVE_TRANSFORM)
    return transform


def _images(request: TransformRequest, pull: sitk.Transform) -> dict[str, sitk.Image]:
    """Returns the images that are wanted, by the name of their file.

    Args:
        request: The request.
        pull: Carries points of the grid to the points that are shown there.
    """
    import numpy as np
    import SimpleITK as sitk

    from NephroSynthLib.imaging.grids import resample
    from NephroSynthLib.jobs.result_folder import check_stage_space
    from NephroSynthLib.registration.inversion import volume_ratio

    if request.volume is None and request.labels is None and not request.wants_maps:
        return {}
    grid = _read(_grid(request), "grid")
    wanted = sum(map(bool, (request.volume, request.labels, request.jacobian, request.displacement)))
    check_stage_space(request.out, grid, wanted)
    images = {}
    if request.volume is not None:
        volume = sitk.Cast(_read(request.volume, "volume"), sitk.sitkFloat32)
        images["volume"] = resample(volume, grid, pull)
    if request.labels is not None:
        images["labels"] = resample(_read(request.labels, "label map"), grid, pull, label=True)
    if request.jacobian:
        images["jacobian"] = _on(grid, volume_ratio(pull, grid))
    if request.displacement:
        field = sitk.TransformToDisplacementField(
            pull, sitk.sitkVectorFloat64, grid.GetSize(), grid.GetOrigin(), grid.GetSpacing(), grid.GetDirection()
        )
        lengths = np.linalg.norm(sitk.GetArrayViewFromImage(field), axis=-1)
        images["displacement"] = _on(grid, lengths.astype(np.float32))
    return images


def _on(grid: sitk.Image, values: NDArray[np.float32]) -> sitk.Image:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(values)
    image.CopyInformation(grid)
    return image


def _grid(request: TransformRequest) -> Path:
    own = [request.transform / name for name in _ON_ITS_GRID]
    found = request.like or next((path for path in own if path.is_file()), None)
    if found is None:
        raise UsageError("The grid of the output is not known.", Action.GIVE_GRID)
    return found


def _read(path: Path, role: str) -> sitk.Image:
    """Reads an image file as it is, or a DICOM series as a CT."""
    from NephroSynthLib.exam.volume import read_volume
    from NephroSynthLib.imaging.image_files import is_image_file, read_image_file

    return read_image_file(path, role) if is_image_file(path) else read_volume(path, role).image


def _points(request: TransformRequest, forward: sitk.Transform) -> dict[str, str]:
    """Returns the content of the file with the points that are carried, by its name; nothing without points."""
    if request.points is None:
        return {}
    from NephroSynthLib.registration import inversion
    from NephroSynthLib.registration.markups import as_array, as_markups, as_table, read_points

    lists = read_points(request.points)
    if len(lists) != 1:
        raise UsageError("The file of points does not hold exactly one list.", Action.GIVE_POINTS)
    carry = inversion.carried if request.inverse else inversion.carried_back
    x_y_z = carry(forward, as_array(lists[0])).tolist()
    points = {name: (x, y, z) for name, (x, y, z) in zip(lists[0], x_y_z, strict=True)}
    if request.points.suffix.lower() == ".json":
        return {f"{MOVED_POINTS}.mrk.json": as_markups(points)}
    return {f"{MOVED_POINTS}.csv": as_table(points)}
