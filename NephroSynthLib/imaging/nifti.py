"""Reading NIfTI-1 and NIfTI-2 files: the header, the voxels, and a check that all voxels arrived unharmed.

ITK reads NIfTI too. It reads no NIfTI-2, lets truncated files pass, hides NaN, and refuses grids that rounding has made
slightly sheared.

Source: header layouts in nifti1.h and nifti2.h.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.imaging.streams import drain

_CHUNK = 1 << 24
_LONGEST_HEADER = 540
_NAMES = (
    *("dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope", "scl_inter", "xyzt_units"),
    *("qform_code", "sform_code", "quatern", "qoffset", "srow", "descrip"),
)
_VERSIONS = {
    (b"n+1", 344, 348): np.dtype(
        {
            "names": _NAMES,
            "formats": ["8i2", "i2", "i2", "8f4", "f4", "f4", "f4", "u1", "i2", "i2", "3f4", "3f4", "(3,4)f4", "S80"],
            "offsets": (40, 70, 72, 76, 108, 112, 116, 123, 252, 254, 256, 268, 280, 148),
        }
    ),
    (b"n+2", 4, 540): np.dtype(
        {
            "names": _NAMES,
            "formats": ["8i8", "i2", "i2", "8f8", "i8", "f8", "f8", "i4", "i4", "i4", "3f8", "3f8", "(3,4)f8", "S80"],
            "offsets": (16, 12, 14, 104, 168, 176, 184, 500, 344, 348, 352, 376, 400, 240),
        }
    ),
}
_DATATYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 128: "u1", 256: "i1", 512: "u2", 768: "u4"},
    **{1024: "i8", 1280: "u8", 1792: "c16", 2304: "u1"},
}
_COLOURS = {128: 3, 2304: 4}
_LONGEST_QUATERNION = 1.001
_UNITS = {1: "metres", 3: "micrometres"}


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI header that a volume needs.

    Attributes:
        shape: Voxels along x, y, z and further dimensions, without trailing ones after z.
        components: Values in each voxel.
        dtype: Type of a stored value, in the file's byte order; None for a type that numpy does not have.
        offset: Place of the first voxel in the file, in bytes.
        size: Length of all voxels in bytes.
        scale: Slope and intercept of the stored values; None if they are the values.
        voxel_size: The fields pixdim[1] to pixdim[3] as they are stored.
        unit: Name of the unit of length, if it is not mm.
        qform: Index to world (RAS, 4 × 4) by quaternion and `voxel_size`; None if its code is 0.
        sform: Index to world (RAS, 4 × 4) by matrix; None if its code is 0.
        description: The field descrip.
    """

    shape: tuple[int, ...]
    components: int
    dtype: np.dtype[Any] | None
    offset: int
    size: int
    scale: tuple[float, float] | None
    voxel_size: tuple[float, float, float]
    unit: str | None
    qform: NDArray[np.float64] | None
    sform: NDArray[np.float64] | None
    description: str = ""


def read_nifti_header(path: Path) -> NiftiHeader | None:
    """Reads the header of a .nii or .nii.gz file; returns None for a file that is not a single-file NIfTI.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: If the file is truncated or damaged.
        OSError: If the file cannot be opened.
    """
    with _opened(path) as file:
        return _header(file.read(_LONGEST_HEADER))


def read_nifti_voxels(path: Path, header: NiftiHeader) -> NDArray[Any]:
    """Reads the voxels of a NIfTI file and applies their scale.

    Args:
        path: The file.
        header: Its header, with a known `dtype`.

    Returns:
        Values (z, y, x), or (z, y, x, component) where a voxel has several, in the byte order of the machine.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: If the file is truncated or damaged.
        OSError: If the file cannot be opened.
    """
    assert header.dtype is not None, "the caller checks the type"
    stored = np.empty(header.size // header.dtype.itemsize, header.dtype)
    left = stored.view(np.uint8)
    with _opened(path) as file:
        file.seek(header.offset)
        while left.size:
            count = file.readinto(left[:_CHUNK].data)
            if not count:
                raise EOFError("the voxels are cut short")
            left = left[count:]
        drain(file, 0)  # reaches the checksum
    values = stored.astype(header.dtype.newbyteorder("="), copy=False)
    x, y, z = header.shape[:3]
    shaped = values.reshape(z, y, x) if header.components == 1 else np.moveaxis(values.reshape(-1, z, y, x), 0, -1)
    return shaped if header.scale is None else _scaled(shaped, *header.scale)


def check_nifti_stream(path: Path) -> None:
    """Reads the voxels of a NIfTI file to their end; does nothing for a file that is not a single-file NIfTI.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: If the file is truncated or damaged.
        OSError: If the file cannot be opened.
    """
    with _opened(path) as file:
        header = _header(file.read(_LONGEST_HEADER))
        if header is not None:
            file.seek(header.offset)
            drain(file, header.size)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if compressed else path.open("rb") as file:
        yield file


def _header(data: bytes) -> NiftiHeader | None:
    for (magic, place, length), layout in _VERSIONS.items():
        if len(data) < length or data[place : place + 3] != magic:
            continue
        for order in ("<", ">"):
            if int(np.frombuffer(data, f"{order}i4", 1)[0]) == length:
                return _understood(np.frombuffer(data[:length], layout.newbyteorder(order), 1)[0], order)
    return None


def _understood(fields: Any, order: str) -> NiftiHeader | None:
    dimensions = [int(n) for n in fields["dim"]]
    if not 1 <= dimensions[0] <= 7 or min(dimensions[1 : 1 + dimensions[0]]) < 1:
        return None
    shape = dimensions[1 : 1 + dimensions[0]]
    components = 1
    if len(shape) >= 5 and shape[3] == 1:
        components = shape.pop(4)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    kind, colours = _DATATYPES.get(int(fields["datatype"])), _COLOURS.get(int(fields["datatype"]), 1)
    dtype = None if kind is None else np.dtype(order + kind)
    bits = int(fields["bitpix"]) if dtype is None else 8 * dtype.itemsize * colours
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    scaled = math.isfinite(slope) and math.isfinite(intercept) and slope != 0 and (slope, intercept) != (1, 0)
    x, y, z = (float(size) for size in fields["pixdim"][1:4])
    return NiftiHeader(
        tuple(shape),
        components * colours,
        dtype,
        max(int(fields["vox_offset"]), 0) if math.isfinite(fields["vox_offset"]) else 0,
        math.ceil(math.prod(dimensions[1 : 1 + dimensions[0]]) * bits / 8),
        (slope, intercept) if scaled else None,
        (x, y, z),
        _UNITS.get(int(fields["xyzt_units"]) & 7),
        _quaternion_form(fields) if fields["qform_code"] > 0 else None,
        np.vstack([fields["srow"].astype(np.float64), [0, 0, 0, 1]]) if fields["sform_code"] > 0 else None,
        fields["descrip"].decode("ascii", "replace"),
    )


def _quaternion_form(fields: Any) -> NDArray[np.float64]:
    """Returns the matrix of the qform ('method 2' in nifti1.h); NaN where its quaternion is longer than 1."""
    b, c, d = fields["quatern"].astype(np.float64)
    square = b * b + c * c + d * d
    if not square <= _LONGEST_QUATERNION:
        return np.full((4, 4), np.nan)
    a = math.sqrt(max(0.0, 1 - square))
    a, b, c, d = np.array([a, b, c, d]) / np.linalg.norm([a, b, c, d])
    form = np.eye(4)
    form[:3, :3] = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    x, y, z = np.abs(fields["pixdim"][1:4].astype(np.float64))
    with np.errstate(invalid="ignore"):  # a voxel size that is no number is told later
        form[:3, :3] *= [x, y, -z if fields["pixdim"][0] < 0 else z]
    form[:3, 3] = fields["qoffset"]
    return form


def _scaled(values: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Returns `values` * `slope` + `intercept`, computed in double precision as ITK does, slice by slice."""
    result = np.empty(values.shape, np.float64 if values.dtype == np.float64 else np.float32)
    for target, source in zip(result, values, strict=True):
        target[:] = source.astype(np.float64) * slope + intercept
    return result
