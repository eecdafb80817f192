from __future__ import annotations

from collections.abc import Callable, Sequence

import SimpleITK as sitk

from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.phases.judge import Judgement, judge
from NephroSynthLib.phases.pixel_evidence import measure
from NephroSynthLib.phases.scoring import MAX_ACQUISITIONS

Make = Callable[..., Candidate]
ACQUIRED = ("noncontrast", "nephrographic", "excretory")


def judged(candidates: Sequence[Candidate]) -> Judgement:
    return judge(candidates, Comparisons(candidates))


def phases(judgement: Judgement, candidates: Sequence[Candidate]) -> dict[str, Phase]:
    return {candidates[one.volume].name: one.phase for one in judgement.acquisitions}


def test_the_images_alone_tell_the_phases_in_any_order(candidate: Make) -> None:
    for order in (ACQUIRED, ACQUIRED[::-1]):
        candidates = [candidate(phase) for phase in order]
        judgement = judged(candidates)
        assert phases(judgement, candidates) == {phase: Phase(phase) for phase in ACQUIRED}
        assert {one.source for found in judgement.acquisitions for one in found.evidence} == {"image"}


def test_words_that_fit_make_it_sure_and_leave_no_question(candidate: Make) -> None:
    said = {"noncontrast": "Nativ", "nephrographic": "Nephrographische Phase", "excretory": "Ausscheidungsphase"}
    candidates = [candidate(phase, description=words) for phase, words in said.items()]
    judgement = judged(candidates)
    assert all(one.sure for one in judgement.acquisitions)
    assert judgement.questions == ()
    headers = [candidate(phase, header={"SeriesDescription": words}) for phase, words in said.items()]
    assert judged(headers).questions == ()


def test_a_header_counts_more_than_the_description_beside_it(candidate: Make) -> None:
    candidates = [
        candidate("noncontrast", header={"SeriesDescription": "Nativ"}, description="Ausscheidungsphase"),
        candidate("excretory", header={"SeriesDescription": "Ausscheidungsphase"}, description="Nativ"),
    ]
    texts = [one.text for found in judged(candidates).acquisitions for one in found.evidence]
    assert [text for text in texts if "says" in text] == [
        "the description says non-contrast",
        "the description says excretory",
    ]


def test_misleading_words_are_contradicted_and_asked_about(candidate: Make) -> None:
    said = {"noncontrast": "Ausscheidungsphase", "nephrographic": "Nativ", "excretory": "Nephrographische Phase"}
    candidates = [candidate(phase, description=words) for phase, words in said.items()]
    judgement = judged(candidates)
    assert phases(judgement, candidates) == {phase: Phase(phase) for phase in ACQUIRED}
    assert not any(one.sure for one in judgement.acquisitions)
    assert len(judgement.questions) == 3
    assert "noncontrast (18 images) looks non-contrast, but the description says excretory" in judgement.questions


def test_comparisons_name_the_other_volume_and_have_opposite_signs(candidate: Make) -> None:
    candidates = [candidate("noncontrast", "before"), candidate("excretory", "after")]
    before, after = judged(candidates).acquisitions
    assert any("darker than in after, less dense urine" in one.text for one in before.evidence)
    assert any("brighter than in before, more dense urine" in one.text for one in after.evidence)


def test_two_acquisitions_of_one_phase_are_asked_about(candidate: Make) -> None:
    header = {"AcquisitionDate": "20240101", "ContrastBolusStartTime": "100000"}
    candidates = [
        candidate("noncontrast", header={**header, "AcquisitionTime": "095500"}),
        candidate("excretory", "early", header={**header, "AcquisitionTime": "100900"}),
        candidate("excretory", "late", header={**header, "AcquisitionTime": "101500"}),
    ]
    judgement = judged(candidates)
    assert [one.phase for one in judgement.acquisitions] == [Phase.NONCONTRAST, Phase.EXCRETORY, Phase.EXCRETORY]
    assert "early (18 images) and late (18 images) are both excretory: which one is to be used?" in judgement.questions


def test_reconstructions_are_one_acquisition(candidate: Make) -> None:
    header = {"AcquisitionDateTime": "20240101100900"}
    candidates = [
        candidate("noncontrast"),
        candidate("excretory", header=header, slice_mm=5.0),
        candidate("excretory", header=header, slice_mm=1.0),
    ]
    found = {one.phase: one for one in judged(candidates).acquisitions}
    assert found[Phase.EXCRETORY].volume == 2
    assert found[Phase.EXCRETORY].reconstructions == (1,)


def test_more_acquisitions_than_can_be_judged_are_named(candidate: Make) -> None:
    count = MAX_ACQUISITIONS + 2
    candidates = [candidate("excretory", f"v{number}", frame="", number=number) for number in range(count)]
    judgement = judged(candidates)
    assert len(judgement.acquisitions) == MAX_ACQUISITIONS
    assert [question for question in judgement.questions if "too many acquisitions" in question] == [
        f"v{number} (18 images) was not judged, because there are too many acquisitions"
        for number in range(MAX_ACQUISITIONS, count)
    ]


def test_no_volume_gives_no_phase() -> None:
    assert judged([]) == Judgement((), ())


def test_two_stations_of_one_phase_are_not_two_phases(urography: dict[str, sitk.Image]) -> None:
    """Both table stations show the same tissue equally bright, whatever their headers and kidneys say."""
    image = sitk.Cast(urography["excretory"], sitk.sitkFloat32)
    slices = image.GetSize()[2]
    stations = {"Nativ": image[:, :, : slices * 3 // 4], "Ausscheidungsphase": image[:, :, slices // 4 :]}
    agent = {"Nativ": {}, "Ausscheidungsphase": {"ContrastBolusAgent": "Iomeprol", "ContrastBolusVolume": 100}}
    candidates = [
        Candidate(f"{words} station", words, measure(station), "frame", {"SeriesDescription": words, **agent[words]})
        for words, station in stations.items()
    ]
    found = judged(candidates).acquisitions
    assert {one.phase for one in found} == {Phase.NONCONTRAST, Phase.EXCRETORY}
    assert not any(one.sure for one in found)
    assert any("as bright as in Ausscheidungsphase" in text for one in found for text in one.contradictions)
