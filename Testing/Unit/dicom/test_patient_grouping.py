from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.dicom.patient_grouping import number_patients
from NephroSynthLib.dicom.series_identity import Identity, compare_patients, patient_doubt

identities = st.builds(
    Identity,
    patient_id=st.sampled_from(["", "1", "2"]),
    patient_name=st.sampled_from(["", "a", "b"]),
    birth_date=st.sampled_from(["", "x", "y"]),
    study_uid=st.sampled_from(["", "s", "t"]),
)


@given(st.lists(identities, max_size=8))
def test_series_that_contradict_each_other_are_of_different_patients(found: list[Identity]) -> None:
    numbers = number_patients(found)
    assert set(numbers) == set(range(1, len(set(numbers)) + 1))
    for (one, number), (other, other_number) in combinations(zip(found, numbers, strict=True), 2):
        if compare_patients(one, other) == "different":
            assert number != other_number


@given(identities, identities)
def test_two_series_are_of_one_patient_unless_nothing_speaks_for_it(one: Identity, other: Identity) -> None:
    match = compare_patients(one, other)
    together = match in ("same", "doubtful") or (match == "unknown" and one.study_uid == other.study_uid)
    assert (len(set(number_patients([one, other]))) == 1) == together


def test_an_anonymous_series_is_of_the_only_patient_of_its_study() -> None:
    """Where two patients have series in one study, one that names neither is of neither."""
    known = [Identity("1", "a", study_uid="s"), Identity("2", "b", study_uid="s")]
    for order in (0, 1, 2):
        series = [*known[:order], Identity(study_uid="s"), *known[order:]]
        assert sorted(number_patients(series)) == [1, 2, 3]
    one = [Identity(study_uid="s"), Identity("1", "a", study_uid="s"), Identity(study_uid="s")]
    assert number_patients(one) == [1, 1, 1]


@given(identities, identities)
def test_a_doubt_is_the_same_both_ways(one: Identity, other: Identity) -> None:
    assert patient_doubt(one, other) == patient_doubt(other, one)


def test_what_is_doubtful_about_a_patient() -> None:
    known = Identity("1", "a", "x", "F")
    assert patient_doubt(known, known) == patient_doubt(Identity(), Identity()) == ""
    assert patient_doubt(known, Identity("2", "b")) == ""
    assert "not the same name or sex" in patient_doubt(known, Identity("1", "b"))
    assert "may be of different patients" in patient_doubt(known, Identity())
