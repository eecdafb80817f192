"""The comparison shows the chosen volumes, and keeps the place that the user looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gui_exam import small_labels
from playing import choose, press, run

from NephroSynthLib.session.steps import in_background


def test_the_comparison_works_without_an_acquired_phase(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import json
    import shutil

    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    (folder / "acquired_registered.nrrd").unlink()
    summary = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**summary, "metrics": None}))
    choose(widget, noncontrast=exam_nodes["noncontrast"], excretory=exam_nodes["excretory"])
    found = run(host, widget, folder)
    assert found.acquired is None
    widget.ui.comparisonSection.collapsed = False
    host.process_events()
    for name in ("sideBySide", "twoByTwo", "threePlanes", "difference", "histogram", "kidneyHU", "restoreLayout"):
        press(host, widget, getattr(widget.ui, f"{name}Button"))
        assert not widget.ui.errorWidget.visible, f"{name}: {widget.ui.errorLabel.text}"
    assert not widget.ui.metricsTableView.visible
    assert "no acquired phase" in widget.ui.metricsLabel.text


def test_difference_and_uncertainty_are_painted_with_a_legend_until_something_else_is_shown(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import shutil

    import SimpleITK as sitk

    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    sitk.WriteImage(sitk.Cast(small_labels() > 0, sitk.sitkFloat32) * 12, str(folder / "uncertainty.nrrd"))
    choose(widget, **exam_nodes)
    widget.ui.wantUncertaintyCheckBox.checked = True
    found = run(host, widget, folder)
    widget.ui.comparisonSection.collapsed = False
    host.process_events()

    press(host, widget, widget.ui.differenceButton)
    assert legends(host, found.difference) == {"NephroSynth2Axial"}
    press(host, widget, widget.ui.uncertaintyButton)
    assert not widget.ui.differenceButton.checked
    assert legends(host, found.difference) == set()
    assert legends(host, found.uncertainty) == {"Red"}
    press(host, widget, widget.ui.volumeButton)
    assert found.synthetic.GetNthDisplayNode(1).GetVisibility()
    press(host, widget, widget.ui.volumeButton)
    assert not found.synthetic.GetNthDisplayNode(1).GetVisibility()
    press(host, widget, widget.ui.twoByTwoButton)
    assert not widget.ui.uncertaintyButton.checked
    assert legends(host, found.uncertainty) == set()
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text


@pytest.fixture
def compared(host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path) -> Any:
    """A run, with the section for the comparison open."""
    choose(widget, **exam_nodes)
    found = run(host, widget, result_folder)
    widget.ui.checkSection.collapsed = True
    widget.ui.comparisonSection.collapsed = False
    host.process_events()
    return found


def test_derived_nodes_lie_beside_their_result_in_the_subject_hierarchy(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer
    from NephroSynthPanel import result_section

    importing: list[str] = []  # in a thread, where the import of large libraries lets nobody wait

    def watched(work: Any, step: Any) -> Any:
        importing.append(work.__qualname__.split(".")[1])
        return in_background(work, step)

    monkeypatch.setattr(result_section, "in_background", watched)
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = tree.CreateStudyItem(tree.CreateSubjectItem(tree.GetSceneItemID(), "patient"), "study")
    tree.SetItemParent(tree.GetItemByDataNode(exam_nodes["noncontrast"]), study)
    choose(widget, **exam_nodes)
    found = run(host, widget, result_folder)
    ui = widget.ui
    ui.comparisonSection.collapsed = False
    host.process_events()
    for button in (ui.checkerboardButton, ui.differenceButton, ui.histogramButton, ui.kidneyHUButton, ui.profileButton):
        press(host, widget, button)
    for x in (-100.0, -150.0):
        found.line.AddControlPointWorld(x, -90.0, 120.0)
    host.wait_until(lambda: not widget.panel.comparison.busy)
    made = [found.checkerboard, found.difference, found.line, found.report, found.histogram, found.profile]
    made += [found.registrationTable, found.metricsTable, found.kidneyHUTable]
    made += [chart.GetNthPlotSeriesNode(0).GetTableNode() for chart in (found.histogram, found.profile)]
    assert set(importing) == {"_show_checkerboard", "_difference", "_histogram", "_kidney_hu", "_plot_profile"}
    assert {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in (found.synthetic, *made)} == {study}


def test_slice_and_zoom_stay_where_the_user_has_brought_them(host: Any, widget: Any, compared: Any) -> None:
    import slicer

    from NephroSynthLib.mrml.views import sight, slice_nodes

    def looks() -> list[tuple[Any, ...]]:
        host.process_events(0.2)
        seen = [sight(node) for node in slice_nodes(slicer.mrmlScene)]
        return [(*(round(value) for value in look.middle), round(look.side_mm)) for look in seen]

    press(host, widget, widget.ui.sideBySideButton)
    assert {look[2] for look in looks()} == {round(10 * 8.0)}  # the height of the kidneys
    for node in slice_nodes(slicer.mrmlScene):
        node.JumpSliceByCentering(-120.0, -90.0, 40.0)
        node.SetFieldOfView(*(side / 4 for side in node.GetFieldOfView()))
    here = looks()
    assert here[0] == here[1]
    for name in ("difference", "difference", "sideBySide"):
        press(host, widget, getattr(widget.ui, f"{name}Button"))
        assert looks() == here
    for name in ("twoByTwo", "histogram", "threePlanes", "sideBySide"):
        press(host, widget, getattr(widget.ui, f"{name}Button"))
        assert set(looks()) == {here[0]}, name
    press(host, widget, widget.ui.restoreLayoutButton)
    assert set(looks()) == {here[0]}


def test_the_plot_of_a_line_shows_the_slice_of_the_line(host: Any, widget: Any, compared: Any) -> None:
    import slicer

    from NephroSynthLib.mrml.views import sight, slice_nodes

    press(host, widget, widget.ui.profileButton)
    for x in (-100.0, -150.0):
        compared.line.AddControlPointWorld(x, -90.0, 120.0)
    host.wait_until(lambda: not widget.panel.comparison.busy)
    host.process_events(0.2)
    assert compared.profile is not None
    assert [round(sight(node).middle[2]) for node in slice_nodes(slicer.mrmlScene)] == [120, 120]


def test_a_comparison_opens_with_the_same_window_for_all(host: Any, widget: Any, compared: Any) -> None:
    from NephroSynthLib.mrml.display import set_window

    set_window(compared.acquired, 2000.0, 300.0)
    set_window(compared.noncontrast, 1000.0, 0.0)
    press(host, widget, widget.ui.twoByTwoButton)
    displays = [node.GetDisplayNode() for node in compared.aligned.values()]
    assert [(one.GetWindow(), one.GetLevel()) for one in displays] == [(400.0, 50.0)] * 4


def legends(host: Any, volume: Any) -> set[str]:
    """The slice views of the layout that draw the colour legend of a volume."""
    import slicer

    host.process_events(0.2)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume)
    manager = slicer.app.layoutManager()
    views = {name: manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()}
    found = set()
    for name, view in views.items():
        actor = view.displayableManagerByClassName("vtkMRMLColorLegendDisplayableManager").GetColorLegendActor(legend)
        if view.visible and actor is not None and actor.GetVisibility():
            found.add(name)
    return found
