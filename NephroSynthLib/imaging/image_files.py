"""Reading and writing one volume as a NIfTI, NRRD or MetaImage file; ITK alone lets truncation and shear pass."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.files.staging import file_suffix, staged_file
from NephroSynthLib.imaging.nifti import find_flaw
from NephroSynthLib.imaging.volume_checks import check_geometry, check_shape, gantry_tilt, not_finite

_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".seg.nrrd", ".nhdr", ".mha", ".mhd")


def is_image_file(path: Path) -> bool:
    """Whether a path is a file whose name is that of a NIfTI, NRRD or MetaImage."""
    return file_suffix(path).lower() in _SUFFIXES and path.is_file()


def read_image_file(path: Path, role: str, pixel_type: int | None = None, layers: bool = False) -> sitk.Image:
    """Reads a NIfTI, NRRD or MetaImage file with one 3D image, and checks its shape and geometry.

    Args:
        path: The file.
        role: What it is for; error messages name it.
        pixel_type: SimpleITK pixel type of the result; the file's own if None.
        layers: Whether a voxel may have several values, as in a Slicer segmentation with overlapping segments.

    Raises:
        UnreadableInputError: If the file is truncated, damaged or not one of these formats.
        ImageContentError: If it is not one scalar volume.
        GeometryError: If it has too few slices or a sheared grid.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        while len(size) > 3 and size[-1] == 1:
            size = size[:-1]
        check_shape(role, size, 1 if layers else reader.GetNumberOfComponents(), reader.GetPixelIDValue())
        if _sheared_sform(reader):
            raise gantry_tilt(role)
        if pixel_type is not None:
            reader.SetOutputPixelType(pixel_type)
        reader.SetExtractSize([*size, *([0] * (reader.GetDimension() - len(size)))])
        flaw = find_flaw(path)
        image = reader.Execute()
    except (RuntimeError, OSError) as error:
        if "orthonormal" in str(error):
            raise gantry_tilt(role) from error
        raise UnreadableInputError(
            f"The {role} cannot be read: the file is damaged, incomplete or of another format.", Action.GIVE_VOLUME
        ) from error
    if flaw == "not finite":
        raise not_finite(role)
    if flaw == "truncated":
        raise UnreadableInputError(f"The {role} cannot be read: the file is truncated or damaged.", Action.EXPORT_AGAIN)
    check_geometry(role, image)
    return image


def _sheared_sform(reader: sitk.ImageFileReader) -> bool:
    """Whether a NIfTI header's sform is sheared; ITK then silently takes the qform, or makes the axes orthogonal."""
    if not reader.HasMetaDataKey("sform_code") or reader.GetMetaData("sform_code").strip() == "0":
        return False
    rows = [[float(n) for n in reader.GetMetaData(f"srow_{axis}").split()[:3]] for axis in "xyz"]
    axes = np.array(rows) / np.linalg.norm(rows, axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > 5e-3)


def save_image(image: sitk.Image, path: Path, compress: bool = True) -> None:
    """Writes an image atomically in the format that the suffix of `path` names.

    Raises:
        ResourceError: If there is not enough disk space, or the file cannot be written.
    """
    with staged_file(path) as temporary:
        needed = image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel() * image.GetSizeOfPixelComponent()
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, "too little free space")
        try:
            sitk.WriteImage(image, str(temporary), useCompression=compress)
        except RuntimeError as error:
            raise OSError(errno.EIO, "the image writer failed") from error
        if find_flaw(temporary) == "truncated":
            raise OSError(errno.ENOSPC, "the file was cut short")
