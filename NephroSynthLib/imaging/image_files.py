"""Reading and writing one volume as a NIfTI, NRRD or MetaImage file, with the checks that ITK leaves out."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.files.staging import file_suffix, staged_file
from NephroSynthLib.imaging.grids import straightened
from NephroSynthLib.imaging.metaimage import check_metaimage_header, check_metaimage_stream, metaimage_comment
from NephroSynthLib.imaging.nifti import check_nifti_stream, read_nifti_header, read_nifti_voxels
from NephroSynthLib.imaging.nifti_placement import nifti_placement
from NephroSynthLib.imaging.nrrd import check_nrrd_header, check_nrrd_stream, nrrd_content
from NephroSynthLib.imaging.streams import BROKEN_STREAM
from NephroSynthLib.imaging.volume_checks import check_geometry, check_shape, gantry_tilt, not_finite

_NIFTI = (".nii", ".nii.gz")
_NRRD = (".nrrd", ".seg.nrrd", ".nhdr")
_METAIMAGE = (".mha", ".mhd")
_LONGEST_NIFTI_DESCRIPTION = 79


def is_image_file(path: Path) -> bool:
    """Tells whether a path is a file with the suffix of NIfTI, NRRD or MetaImage."""
    return file_suffix(path).lower() in (*_NIFTI, *_NRRD, *_METAIMAGE) and path.is_file()


def read_image_file(path: Path, role: str, pixel_type: int | None = None, layers: bool = False) -> sitk.Image:
    """Reads a NIfTI, NRRD or MetaImage file with one 3D image, and checks its shape and geometry.

    Args:
        path: The file.
        role: Name of the volume in error messages, e.g. 'excretory phase'.
        pixel_type: SimpleITK pixel type of the result; the file's own if None.
        layers: Whether a voxel may have several values, as in a Slicer segmentation with overlapping segments.

    Raises:
        UnreadableInputError: If the file is truncated, damaged or not one of these formats.
        ImageContentError: If it is not one scalar volume.
        GeometryError: If it has too few slices or a sheared grid, or does not say, or says in two ways, where its
            voxels lie.
    """
    try:
        if file_suffix(path).lower() in _NIFTI:
            image = _read_nifti(path, role, layers)
        else:
            image = _read_with_itk(path, role, pixel_type, layers)
    except BROKEN_STREAM as error:
        raise UnreadableInputError(
            f"The {role} cannot be read: the file is truncated or damaged.", Action.EXPORT_AGAIN
        ) from error
    except (RuntimeError, OSError, ValueError, TypeError) as error:
        raise UnreadableInputError(
            f"The {role} cannot be read: the file is damaged, incomplete or of another format.", Action.GIVE_VOLUME
        ) from error
    check_geometry(role, image)
    image = straightened(image)
    return image if pixel_type is None else sitk.Cast(image, pixel_type)


def check_stream(path: Path) -> None:
    """Checks that all compressed voxels of an image file arrive, with the right checksum.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: If the file is truncated or damaged.
        OSError: If it cannot be read.
    """
    suffix = file_suffix(path).lower()
    if suffix in _NIFTI:
        check_nifti_stream(path)
    elif suffix in _NRRD:
        check_nrrd_stream(path)
    elif suffix in _METAIMAGE:
        check_metaimage_stream(path)


def _read_nifti(path: Path, role: str, layers: bool) -> sitk.Image:
    header = read_nifti_header(path)
    if header is None or header.dtype is None:
        raise ValueError("no NIfTI, or one with a rare type of voxel")
    pixel_type = sitk.sitkComplexFloat32 if header.dtype.kind == "c" else sitk.sitkFloat32
    check_shape(role, header.shape, 1 if layers else header.components, pixel_type)
    placement = nifti_placement(role, header)
    values = read_nifti_voxels(path, header)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise not_finite(role)
    image = sitk.GetImageFromArray(values, isVector=header.components > 1)
    image.SetSpacing(placement.spacing)
    image.SetOrigin(placement.origin)
    image.SetDirection(placement.direction)
    return image


def _read_with_itk(path: Path, role: str, pixel_type: int | None, layers: bool) -> sitk.Image:
    """Reads an NRRD or a MetaImage; ITK fills gaps of their headers and passes broken streams, so both are checked."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise UnreadableInputError(
            f"The {role} cannot be read: its name or that of its folder is not valid UTF-8.", Action.RENAME
        ) from error
    check_header = check_nrrd_header if file_suffix(path).lower() in _NRRD else check_metaimage_header
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        while len(size) > 3 and size[-1] == 1:
            size = size[:-1]
        check_shape(role, size, 1 if layers else reader.GetNumberOfComponents(), reader.GetPixelIDValue())
        check_header(path, role)
        check_stream(path)
        if pixel_type is not None:
            reader.SetOutputPixelType(pixel_type)
        reader.SetExtractSize([*size, *([0] * (reader.GetDimension() - len(size)))])
        return reader.Execute()
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise gantry_tilt(role) from error
        if "spac" in str(error).replace(os.fspath(path), ""):  # a spacing or a space direction that ITK cannot read
            check_header(path, role)
        raise


def read_description(path: Path) -> str:
    """Returns the description in the header of an image file; empty where it has none or cannot be read."""
    suffix = file_suffix(path).lower()
    try:
        if suffix in _NIFTI:
            header = read_nifti_header(path)
            return "" if header is None else header.description
        return nrrd_content(path) if suffix in _NRRD else metaimage_comment(path)
    except (OSError, *BROKEN_STREAM):
        return ""


def save_image(image: sitk.Image, path: Path, compress: bool = True, description: str = "") -> None:
    """Writes an image atomically in the format that the suffix of `path` names.

    Args:
        image: The image.
        path: The file.
        compress: Whether its voxels are compressed.
        description: A line that the header keeps: in `descrip` of NIfTI, which holds 79 characters of it, in 'content'
            of NRRD, in Comment of MetaImage. Characters outside ASCII become question marks.

    Raises:
        ResourceError: If there is not enough disk space, or the file cannot be written.
    """
    with staged_file(path) as temporary:
        needed = image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel() * image.GetSizeOfPixelComponent()
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, "too little free space")
        try:
            described = _described(image, file_suffix(path).lower(), description)
            sitk.WriteImage(described, str(temporary), useCompression=compress)
        except RuntimeError as error:
            raise OSError(errno.EIO, "the image writer failed") from error
        try:
            check_stream(temporary)
        except (*BROKEN_STREAM, OSError) as error:
            raise OSError(errno.ENOSPC, "the file was cut short") from error


def _described(image: sitk.Image, suffix: str, description: str) -> sitk.Image:
    """Returns the image with the metadata that ITK writes as its description in a format."""
    if not description:
        return image
    text = " ".join(description.split()).encode("ascii", "replace").decode("ascii")
    described = sitk.Image(image)
    if suffix in _NIFTI:
        described.SetMetaData("ITK_FileNotes", text[:_LONGEST_NIFTI_DESCRIPTION])
    else:
        described.SetMetaData("NRRD_content" if suffix in _NRRD else "Comment", text)
    return described
