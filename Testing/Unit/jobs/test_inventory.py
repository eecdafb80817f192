"""The devices and models that a run can use."""

from __future__ import annotations

import pytest

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs import catalogue as jobs
from NephroSynthLib.jobs import inventory
from NephroSynthLib.models import bundle
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation import total_segmentator

SPACING = (5.6, 5.6, 10.0)


def test_the_inventory_names_devices_and_models() -> None:
    found = jobs.execute("inventory", {}, Progress())
    assert found["devices"][-1]["name"] == "cpu"
    assert found["devices"][-1]["free_bytes"] > 2**20
    assert {one["task"] for one in found["models"]} == {"segmentation", "synthesis"}


@pytest.mark.parametrize("installed", [False, True])
def test_the_inventory_names_totalsegmentator_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(inventory, "_devices", list)
    monkeypatch.setattr(bundle, "list_bundles", dict)
    monkeypatch.setattr(total_segmentator, "is_installed", lambda: installed)
    found = jobs.execute("inventory", {}, Progress())
    assert found["segmenters"] == (["totalsegmentator"] if installed else [])


def test_a_model_is_described_by_name_and_verified() -> None:
    listed = {one["name"]: one for one in jobs.execute("models", {}, Progress())["models"]}
    name, described = next(iter(listed.items()))
    assert jobs.execute("models", {"action": "verify", "model": name}, Progress())["models"] == [described]


def test_a_model_to_show_has_a_name() -> None:
    with pytest.raises(UsageError, match="not named"):
        jobs.execute("models", {"action": "show"}, Progress())
