from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from NephroSynthLib.phases.timing import acquired_at, contrast_delay_s, excretory_delay_s

DAY = {"AcquisitionDate": "20240101"}


@pytest.mark.parametrize(
    "header",
    [
        {"AcquisitionDateTime": "20240305101112.345"},
        {"AcquisitionDate": "20240305", "AcquisitionTime": "101112"},
        {"SeriesDate": "20240305", "StudyDate": "20230101", "AcquisitionTime": "101112.99"},
        {"StudyDate": "20240305", "AcquisitionTime": "101112"},
    ],
)
def test_the_time_is_read_from_each_of_its_attributes(header: dict[str, str]) -> None:
    assert acquired_at(header) == datetime(2024, 3, 5, 10, 11, 12)


def test_a_pydicom_data_set_is_read_as_a_dictionary_is() -> None:
    header = Dataset()
    header.AcquisitionDateTime = "20240305101112"
    assert acquired_at(header) == datetime(2024, 3, 5, 10, 11, 12)


@pytest.mark.parametrize(
    "header", [{}, {"AcquisitionTime": "101112"}, {"StudyDate": "2024"}, {**DAY, "AcquisitionTime": "xx"}]
)
def test_a_missing_or_broken_time_is_none(header: dict[str, str]) -> None:
    assert acquired_at(header) is None
    assert contrast_delay_s({**header, "ContrastBolusStartTime": "100000"}) is None


@pytest.mark.parametrize(
    ("scan", "delay", "excretory"),
    [
        ("100800", 480.0, 480.0),
        ("100800.25", 480.0, 480.0),
        ("095800", -120.0, None),
        ("100000", None, None),
        ("113000", 5400.0, None),
        ("130000", None, None),
    ],
)
def test_the_delay_of_an_excretory_phase_is_read_where_it_can_be_one(
    scan: str, delay: float | None, excretory: float | None
) -> None:
    header = {**DAY, "AcquisitionTime": scan, "ContrastBolusStartTime": "100000"}
    assert contrast_delay_s(header) == delay
    assert excretory_delay_s(header) == excretory
    assert excretory_delay_s({**DAY, "AcquisitionTime": scan}) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 3)), st.integers(15, 7200))
def test_any_delay_is_read_also_across_midnight(injected: datetime, delay: int) -> None:
    injected = injected.replace(microsecond=0)
    acquired = injected + timedelta(seconds=delay)
    header = {
        "AcquisitionDateTime": acquired.strftime("%Y%m%d%H%M%S"),
        "ContrastBolusStartTime": injected.strftime("%H%M%S"),
    }
    assert contrast_delay_s(header) == delay
