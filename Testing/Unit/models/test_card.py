from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from NephroSynthLib.errors import ModelError
from NephroSynthLib.models.bundle import ModelBundle, list_bundles, load_bundle
from NephroSynthLib.models.card import model_card, write_cards

ROOT = Path(__file__).resolve().parents[3]
CARDS = ROOT / "Resources/ModelCards"


@pytest.fixture(params=sorted(list_bundles()))
def bundle(request: pytest.FixtureRequest) -> ModelBundle:
    return load_bundle(request.param)


def _rows(card: str) -> dict[str, str]:
    return {row[1]: row[2] for row in re.finditer(r"^\| ([^|]+) \| (.*) \|$", card, re.MULTILINE)}


def test_the_committed_cards_are_those_of_the_bundled_models() -> None:
    """Fails after a training: run `python -m NephroSynthLib.models.card`."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in CARDS.glob("*.md")}
    assert written == {name: model_card(load_bundle(name)) for name in list_bundles()}


def test_a_card_holds_every_figure_of_the_metadata(bundle: ModelBundle) -> None:
    values = list(_rows(model_card(bundle)).values())
    for known in (bundle.metadata.training, bundle.metadata.results):
        for value in known.values():
            if not isinstance(value, dict | list):
                assert str(value) in values or f"`{value}`" in values
    assert f"`{bundle.sha256}`" in values
    assert bundle.metadata.licence in values


def test_a_card_says_research_only_and_simulated(bundle: ModelBundle) -> None:
    card = model_card(bundle)
    assert "Research use only" in card
    assert "Trained on simulated exams alone" in card


def test_a_model_of_a_cohort_is_not_called_simulated(bundle: ModelBundle) -> None:
    training = {
        **bundle.metadata.training,
        "data": "40 simulated exams, seeds 0 to 39 and 12 exams of a cohort of one's own",
    }
    card = model_card(replace(bundle, metadata=bundle.metadata.model_copy(update={"training": training})))
    assert "simulated exams alone" not in card
    assert "cohort" in card


def test_nested_figures_and_units_are_spelled_out(bundle: ModelBundle) -> None:
    results = {"model_psnr_db": 25.5, "held_out": {"dice": 0.9, "seeds": [1, 2]}, "note": "a | b"}
    rows = _rows(model_card(replace(bundle, metadata=bundle.metadata.model_copy(update={"results": results}))))
    assert rows["model PSNR (dB)"] == "25.5"
    assert rows["held out: Dice"] == "0.9"
    assert rows["held out: seeds"] == "1, 2"
    assert rows["note"] == r"a \| b"


def test_a_card_without_figures_says_so(bundle: ModelBundle) -> None:
    metadata = bundle.metadata.model_copy(update={"results": {"held_out": "8 simulated exams"}})
    assert "states no figures" in model_card(replace(bundle, metadata=metadata))


def test_cards_are_written_under_the_models_names(tmp_path: Path) -> None:
    paths = write_cards(folder=tmp_path / "cards")
    assert [path.stem for path in paths] == list(list_bundles())
    assert all(path.read_text(encoding="utf-8").startswith(f"# {path.stem}\n") for path in paths)


def test_nothing_is_written_if_one_model_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        write_cards([*list_bundles(), "no-such-model"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_earlier_runs_follow_the_last_one_latest_first(bundle: ModelBundle) -> None:
    first = {
        "command": "nephrosynth train one",
        "steps": 10,
        "hours": 0.5,
        "data": "simulated exams",
        "sha256": "a" * 64,
    }
    second = {**first, "command": "nephrosynth train two", "sha256": "b" * 64, "started_from": first}
    training = {**first, "command": "nephrosynth train three", "started_from": second}
    del training["sha256"]
    card = model_card(replace(bundle, metadata=bundle.metadata.model_copy(update={"training": training})))
    places = [card.index(f"`nephrosynth train {number}`") for number in ("three", "two", "one")]
    assert places == sorted(places)
    assert card.count("- `nephrosynth train") == 2
    assert "10 steps; 0.5 hours" in card
    assert all(letter * 64 in card for letter in "ab")
    assert "started from" not in card
