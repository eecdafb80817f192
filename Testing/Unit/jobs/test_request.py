"""Requests refuse arguments that do not fit, in words of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.catalogue import JOBS
from NephroSynthLib.jobs.request import Request, WritingRequest, parse

JARGON = ("Input should", "String should", "pydantic", "Extra inputs", "Field required", "validation error")
RUN = {"out": "c", "noncontrast": "a", "excretory": "b"}


@pytest.mark.parametrize(
    ("job", "arguments", "words"),
    [
        ("segment", {"image": "a"}, "The option out is missing."),
        ("evaluate", {"synthetic": "a", "acquired": "b", "colour": "c"}, "There is no option colour."),
        ("run", {**RUN, "settings": {"device": "abacus"}}, "The option device must be auto, cpu, mps, cuda or cuda:N."),
        ("run", {**RUN, "settings": {"synthesis": {"steps": 0}}}, "The option synthesis.steps must be at least 1."),
        (
            "run",
            {**RUN, "settings": {"synthesis": {"samples": 65}}},
            "The option synthesis.samples must be at most 64.",
        ),
        ("run", {**RUN, "settings": {"seed": "x"}}, "The option seed must be a whole number."),
        ("run", {**RUN, "settings": {"synthesis": {"margin_mm": "x"}}}, "must be a number."),
        (
            "run",
            {**RUN, "settings": {"registration": {"mode": "magic"}}},
            "must be 'dense', 'two-stage', 'affine' or 'none'.",
        ),
        ("run", {**RUN, "settings": {"spacing": [1, 1, 100]}}, "must be sizes between 0.3 and 10 mm"),
        ("run", {**RUN, "settings": {"spacing": "x"}}, "The option spacing must be a list of numbers."),
        ("run", {**RUN, "settings": {"spacing": [1, 1]}}, "The option spacing has too few values."),
        ("run", {**RUN, "settings": {"seed": 2**63}}, "The option seed must be at most 9223372036854775807."),
        ("run", {**RUN, "settings": 5}, "must be a group of settings."),
        ("run", {**RUN, "overwrite": "maybe"}, "The option overwrite must be true or false."),
        ("run", {**RUN, "out": 5}, "The option out must be a path."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_our_words(job: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(JOBS[job].request, arguments)
    assert words in refused.value.what
    assert not any(jargon in str(refused.value) for jargon in JARGON)


def test_a_request_cannot_be_changed() -> None:
    request = parse(WritingRequest, {"out": "result"})
    assert request.out == Path("result")
    with pytest.raises(ValidationError):
        request.out = Path("other")  # type: ignore[misc]


@pytest.mark.parametrize("job", JOBS)
def test_every_field_of_a_request_has_a_help_and_its_job_a_sentence(job: str) -> None:
    request: type[Request] = JOBS[job].request
    assert (request.__doc__ or "").splitlines()[0].endswith((".", ","))
    for name, field in request.model_fields.items():
        assert field.description or name == "settings", name
