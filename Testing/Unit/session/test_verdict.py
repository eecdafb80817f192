"""The verdict on a registration."""

from __future__ import annotations

import pytest

from NephroSynthLib.session.verdict import Verdict, registration_verdict


@pytest.mark.parametrize("passed", [True, False])
def test_the_verdict_is_that_of_the_summary(passed: bool) -> None:
    summary = {"registration": {"passed": passed, "reasons": ["SSIM is 0.70.", "Dice is 0.9."]}}
    assert registration_verdict(summary) == Verdict(passed, ("SSIM is 0.70.", "Dice is 0.9."))


@pytest.mark.parametrize("summary", [{}, {"registration": None}, {"registration": {}}])
def test_a_summary_without_a_registration_has_no_verdict(summary: dict[str, object]) -> None:
    assert registration_verdict(summary) is None
