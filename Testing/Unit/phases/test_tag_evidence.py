from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from NephroSynthLib.phases.evidence import ENHANCED, Evidence, Phase
from NephroSynthLib.phases.tag_evidence import read_tags


def _header(**attributes: object) -> Dataset:
    header = Dataset()
    header.AcquisitionDate = "20240101"
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return header


def _from(evidence: list[Evidence], source: str) -> list[Evidence]:
    return [one for one in evidence if one.source == source]


@pytest.mark.parametrize(
    ("scan", "phase"),
    [
        ("095800", Phase.NONCONTRAST),
        ("100035", Phase.CORTICOMEDULLARY),
        ("100100", Phase.NEPHROGRAPHIC),
        ("100145", Phase.NEPHROGRAPHIC),
        ("101000", Phase.EXCRETORY),
    ],
)
def test_the_delay_after_the_injection_tells_the_phase(scan: str, phase: Phase) -> None:
    [evidence] = read_tags([_header(AcquisitionTime=scan, ContrastBolusStartTime="100000")])
    [timing] = _from(evidence, "timing")
    assert max(Phase, key=timing.weight) is phase


def test_an_injection_before_midnight_is_understood() -> None:
    [evidence] = read_tags([_header(AcquisitionTime="000110", ContrastBolusStartTime="235930")])
    assert "100 s after" in _from(evidence, "timing")[0].text


@pytest.mark.filterwarnings("ignore:Invalid value")
@pytest.mark.parametrize("start", ["", "99", "250000", "abc", "100000.5"])
def test_broken_times_are_no_error(start: str) -> None:
    read_tags([_header(AcquisitionTime="1001", ContrastBolusStartTime=start)])


def test_the_series_without_agent_among_others_is_noncontrast() -> None:
    without, with_agent = read_tags([_header(), _header(ContrastBolusAgent="Iomeprol")])
    assert _from(without, "contrast")[0].favours == (Phase.NONCONTRAST,)
    assert _from(with_agent, "contrast")[0].favours == ENHANCED


def test_what_all_series_say_tells_nothing() -> None:
    same = _header(ContrastBolusAgent="Iomeprol", SeriesDescription="without and with contrast")
    assert read_tags([same, same]) == [[], []]
