from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.dicom.series_identity import Identity, compare_patients, hashed

attributes = st.builds(
    Identity,
    patient_id=st.sampled_from(["", "a", "b"]),
    patient_name=st.sampled_from(["", "a", "b"]),
    birth_date=st.sampled_from(["", "a", "b"]),
    sex=st.sampled_from(["", "a", "b"]),
)


@given(st.text())
def test_a_hash_does_not_tell_the_value(value: str) -> None:
    letters = "".join(character for character in value.casefold() if character.isalnum())
    assert (hashed(value) == "") == (letters == "")
    assert len(letters) < 4 or letters not in hashed(value)


def test_case_spacing_and_delimiters_do_not_count() -> None:
    assert hashed("Doe^Jane ") == hashed("DOE JANE") != hashed("Doe^John")
    assert hashed(None) == ""


@given(attributes, attributes)
def test_comparison_is_symmetric(first: Identity, second: Identity) -> None:
    assert compare_patients(first, second) == compare_patients(second, first)


@given(attributes)
def test_nobody_is_different_from_themselves(one: Identity) -> None:
    assert compare_patients(one, one) in ("same", "unknown")


@given(attributes)
def test_nothing_is_known_about_nobody(one: Identity) -> None:
    assert compare_patients(one, Identity()) == "unknown"


def test_each_verdict() -> None:
    patient = Identity("1", "name", "birth", "F")
    assert compare_patients(patient, Identity("1", "name", "birth", "F")) == "same"
    assert compare_patients(patient, Identity("2", "name", "birth", "F")) == "different"
    assert compare_patients(patient, Identity("1", "name", "other", "F")) == "different"
    assert compare_patients(patient, Identity("1", "other", "birth", "F")) == "doubtful"
    assert compare_patients(patient, Identity("", "other", "birth", "F")) == "different"
