"""Jobs run by name, with arguments as JSON, and give summaries as JSON."""

from __future__ import annotations

import json

import pytest

from NephroSynthLib.errors import Cancelled, ResourceError, UsageError
from NephroSynthLib.jobs import catalogue
from NephroSynthLib.jobs.catalogue import JOBS, Job, execute
from NephroSynthLib.jobs.request import Request, Summary
from NephroSynthLib.progress import Progress


def test_an_unknown_job_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(UsageError, match="no job 'dance'") as refused:
        execute("dance", {}, Progress())
    assert all(name in refused.value.what for name in JOBS)


def test_a_device_that_does_not_exist_is_told_before_any_input_is_read() -> None:
    arguments = {"image": "nowhere.nrrd", "out": "out", "settings": {"device": "cuda:99"}}
    with pytest.raises(ResourceError, match="cuda:99"):
        execute("segment", arguments, Progress())


def test_a_figure_that_is_not_finite_becomes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(request: Request, progress: Progress) -> Summary:
        return {"psnr": float("inf"), "pair": (1.0, float("nan"))}

    monkeypatch.setattr(catalogue, "JOBS", {"figures": Job(Request, work)})
    summary = execute("figures", {}, Progress())
    assert json.loads(json.dumps(summary, allow_nan=False)) == {"psnr": None, "pair": [1.0, None]}


@pytest.mark.parametrize(("kept", "told"), [("", "Exams that are prepared"), ("Step 7 is kept.", "Step 7 is kept")])
def test_a_cancelled_job_tells_what_is_kept(monkeypatch: pytest.MonkeyPatch, kept: str, told: str) -> None:
    def work(request: Request, progress: Progress) -> Summary:
        raise Cancelled(kept)

    monkeypatch.setattr(catalogue, "JOBS", {"prepare": Job(Request, work, JOBS["prepare"].ending)})
    with pytest.raises(Cancelled, match=told):
        execute("prepare", {}, Progress())
