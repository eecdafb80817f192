from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from NephroSynthLib.dicom.pixel_values import OUTSIDE_HU, stored_frames, to_hounsfield


def image(values: np.ndarray, *, signed: bool = False) -> Dataset:
    """A data set of frames (frames, rows, columns) with uncompressed pixels."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, int(signed)
    dataset.PixelData = values.astype(np.int16 if signed else np.uint16).tobytes()
    return dataset


def rescale(slope: float, intercept: float) -> Dataset:
    attributes = Dataset()
    attributes.RescaleSlope, attributes.RescaleIntercept = slope, intercept
    return attributes


FRAMES = np.random.default_rng(0).integers(0, 4096, (3, 7, 5))


def test_native_and_run_length_coded_frames_are_the_stored_values() -> None:
    dataset = image(FRAMES)
    np.testing.assert_array_equal(stored_frames(dataset), FRAMES)
    dataset.compress(RLELossless)
    np.testing.assert_array_equal(stored_frames(dataset), FRAMES)


def test_a_single_frame_is_a_stack_of_one() -> None:
    dataset = image(FRAMES[:1])
    del dataset.NumberOfFrames
    assert stored_frames(dataset).shape == (1, 7, 5)


@given(st.floats(0.01, 10), st.floats(-5000, 5000))
def test_the_rescale_is_a_straight_line(slope: float, intercept: float) -> None:
    hounsfield = to_hounsfield(FRAMES[0], image(FRAMES), rescale(slope, intercept))
    assert hounsfield.dtype == np.float32
    np.testing.assert_allclose(hounsfield, FRAMES[0] * slope + intercept, rtol=1e-5, atol=0.02)


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (float("nan"), 0.0), (1.0, float("inf")), (1e9, 0.0)])
def test_an_impossible_rescale_is_an_error(slope: float, intercept: float) -> None:
    attributes = SimpleNamespace(RescaleSlope=slope, RescaleIntercept=intercept)
    with pytest.raises(ValueError, match="impossible rescale"):
        to_hounsfield(FRAMES[0], image(FRAMES), attributes)


def test_a_missing_rescale_is_an_error() -> None:
    with pytest.raises(AttributeError):
        to_hounsfield(FRAMES[0], image(FRAMES), Dataset())


@pytest.mark.parametrize("padding", [-2000, 63536])
def test_padding_becomes_air_in_whichever_sign_it_is_written(padding: int) -> None:
    stored = np.array([[-2000, -1024, 0, 40]])
    dataset = image(stored[None], signed=True)
    dataset.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    np.testing.assert_array_equal(to_hounsfield(stored, dataset, rescale(1, 0)), [[OUTSIDE_HU, -1024, 0, 40]])


def test_padding_of_several_values_is_none() -> None:
    stored = np.array([[0, 10, 20, 30]])
    dataset = image(stored[None])
    dataset.PixelPaddingValue = [10, 20]
    np.testing.assert_array_equal(to_hounsfield(stored, dataset, rescale(1, 0)), stored)


def test_a_range_of_padding_is_padding_in_both_orders() -> None:
    stored = np.array([[0, 10, 20, 30]])
    for first, last in ((10, 20), (20, 10)):
        dataset = image(stored[None])
        dataset.PixelPaddingValue, dataset.PixelPaddingRangeLimit = first, last
        np.testing.assert_array_equal(to_hounsfield(stored, dataset, rescale(1, 0)), [[0, OUTSIDE_HU, OUTSIDE_HU, 30]])
