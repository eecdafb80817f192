"""Tables hold the right figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import slicer

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.tables import metrics_table, registration_table

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode
Columns = Callable[[Node], dict[str, list[Any]]]


def test_the_metrics_of_a_run(scene: Scene, summary: dict[str, Any], columns_of: Columns) -> None:
    columns = columns_of(metrics_table(scene, summary, "metrics"))
    rows = list(zip(columns["Figure"], columns["Synthetic"], strict=True))
    around = dict(rows[rows.index(("AROUND KIDNEYS", "")) : rows.index(("KIDNEYS, all HU", ""))])
    assert around["PSNR (dB)"] == "26.3"
    assert around["Offset (HU)"] == "−1.2"
    inside = dict(rows[rows.index(("KIDNEYS", "")) : rows.index(("AROUND KIDNEYS", ""))])
    assert "MS-SSIM" not in inside
    figures = summary["metrics"]["inside"]["window"]
    texture = (figures["rmse_hu"] ** 2 - figures["bias_hu"] ** 2) ** 0.5
    assert float(inside["Texture error (HU)"]) == pytest.approx(texture, abs=0.06)
    last = dict(rows[rows.index(("JUDGED BY NETWORKS", "")) :])
    assert last["Fréchet distance"] == "0.040"
    assert last["Dice, right kidney"] == "0.950"
    with pytest.raises(UsageError, match="no acquired"):
        metrics_table(scene, {**summary, "metrics": None}, "metrics")


def test_images_without_a_model_stand_beside_the_synthetic_phase(
    scene: Scene, summary: dict[str, Any], columns_of: Columns
) -> None:
    metrics = summary["metrics"]
    worse = {**metrics["around"], "window": {**metrics["around"]["window"], "mae_hu": 33.3}}
    references = {"excretory phase": {"around": worse, "inside": None}}
    columns = columns_of(metrics_table(scene, {**summary, "metrics": {**metrics, "references": references}}, "metrics"))
    assert list(columns) == ["Figure", "Synthetic", "Excretory"]
    assert "33.3" in columns["Excretory"]
    assert "–" in columns["Excretory"]


def test_the_registration_of_a_run_with_one_kidney(scene: Scene, summary: dict[str, Any], columns_of: Columns) -> None:
    columns = columns_of(registration_table(scene, summary, "registration"))
    by_figure = {title: dict(zip(columns["Figure"], column, strict=True)) for title, column in columns.items()}
    assert by_figure["Right"]["Overlap after (Dice)"] == "0.94"
    shift = [by_figure["Right"][f"   {axis}"] for axis in ("to a side", "back or forth", "up or down")]
    assert shift == ["1.5 mm left", "0.5 mm forth", "11.0 mm up"]
    assert by_figure["Left"]["Moved"] == "–"
    assert by_figure["Both"]["SSIM after"] == "0.67"
    assert by_figure["Both"]["SSIM after affine"] == "–"


def test_a_missed_gate_never_looks_reached(scene: Scene, summary: dict[str, Any], columns_of: Columns) -> None:
    missed = {**summary, "registration": {**summary["registration"], "ssim_after": 0.6498, "gate": 0.65}}
    columns = columns_of(registration_table(scene, missed, "registration"))
    shown = dict(zip(columns["Figure"], columns["Both"], strict=True))
    assert (shown["SSIM after"], shown["SSIM needed"]) == ("0.6498", "0.6500")


def test_a_figure_that_does_not_concern_a_column_leaves_it_blank(
    scene: Scene, summary: dict[str, Any], columns_of: Columns
) -> None:
    columns = columns_of(registration_table(scene, summary, "registration"))
    rows = list(zip(columns["Right"], columns["Left"], columns["Both"], strict=True))
    assert all((right == "" and left == "") != (both == "") for right, left, both in rows)
