from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from NephroSynthLib import __version__
from NephroSynthLib.dicom.equipment import MANUFACTURER, ModelIdentity, add_equipment, contributing_equipment

MODEL = ModelIdentity("Néphro synthesizer", "ab" * 32)


@given(st.text(max_size=200))
def test_a_label_has_characters_that_every_character_set_has(name: str) -> None:
    label = ModelIdentity(name, "").label
    assert re.fullmatch(r"[ -\[\]-~]{0,64}", label)


def test_a_label_keeps_the_letters_under_their_accents() -> None:
    assert str(MODEL) == f"Nephro synthesizer, sha256 {'ab' * 32}"
    assert ModelIdentity("腎\\1", "").label == "??1"


def test_the_scanner_comes_before_nephrosynth_with_its_model() -> None:
    source = Dataset()
    source.Manufacturer, source.StationName, source.DeviceSerialNumber = "Scanner works", "CT7", ""
    scanner, ours = contributing_equipment(source, "Found the kidneys.", MODEL)
    assert (scanner.Manufacturer, scanner.StationName) == ("Scanner works", "CT7")
    assert "DeviceSerialNumber" not in scanner
    assert (ours.Manufacturer, ours.SoftwareVersions) == (MANUFACTURER, __version__)
    assert ours.ContributionDescription == f"Found the kidneys. Model: {MODEL}."


def test_an_unknown_scanner_and_a_task_without_model_are_left_out() -> None:
    [ours] = contributing_equipment(Dataset(), "Took a label map.", None)
    assert ours.ContributionDescription == "Took a label map."


def test_the_instance_names_nephrosynth_as_its_maker() -> None:
    instance = Dataset()
    add_equipment(instance)
    assert (instance.Manufacturer, instance.ManufacturerModelName) == (MANUFACTURER, "NephroSynth")
