"""The words of the panel for errors and for choices that cannot be carried out."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, NephroSynthError, UsageError
from NephroSynthLib.jobs.failures import as_our_error, traceback_of
from NephroSynthLib.options import Option
from NephroSynthLib.session.export_choice import ExportProblem
from NephroSynthLib.session.run_choice import RunProblem


def in_words(error: Exception) -> str:
    """Returns the problem and its remedy, as sentences."""
    ours: NephroSynthError = as_our_error(error)
    return f"{ours.what} {remedy(ours.action)}".strip()


def remedy(action: Action | None) -> str:
    """Returns the sentence that the panel shows for a remedy; empty for None."""
    return _remedies().get(action, action.sentence) if action else ""


def details(error: Exception) -> str:
    """Returns the traceback, and that of the worker process where the error came from there."""
    return traceback_of(error)


def run_problem(problem: RunProblem | None) -> str:
    """Returns the sentence that names the missing choice of a run; empty for None."""
    if problem is None:
        return ""
    return {
        RunProblem.NO_NONCONTRAST: _("Choose the non-contrast phase."),
        RunProblem.NO_EXCRETORY: _("Choose the excretory phase."),
        RunProblem.SAME_PHASE_TWICE: _("Choose a different volume for each phase."),
        RunProblem.LANDMARKS_NOT_PAIRED: _("Set the same number of landmarks in both phases."),
        RunProblem.OUTPUT_NOT_SEPARATE: _("Choose outputs that differ from the inputs and from each other."),
        RunProblem.INPUT_UNDER_OUTPUT_TRANSFORM: _("Choose another output transform: an input lies under this one."),
    }[problem]


def too_small(option: Option[Any]) -> str:
    """Returns the sentence for an option whose number lies below its range."""
    return _("{least:g} {unit} is the least value: {help}").format(
        least=option.least, unit=option.unit, help=_(option.help)
    )


def export_problem(problem: ExportProblem) -> UsageError:
    """Returns the error for an export that cannot start."""
    return {
        ExportProblem.NO_FOLDER: UsageError(_("Choose a folder to export to.")),
        ExportProblem.NO_FORMAT: UsageError(_("Choose at least one format.")),
        ExportProblem.NO_DICOM_SOURCE: UsageError(
            _("The DICOM source is not known: the non-contrast phase was not loaded from DICOM."), Action.GIVE_SOURCE
        ),
    }[problem]


def _remedies() -> dict[Action, str]:
    """Returns the remedies that name a control of the panel or belong to work in the scene."""
    return {
        Action.GIVE_CT: _("Choose the CT in Hounsfield units, with all its values."),
        Action.CORRECT_TILT: _(
            "Load it with 'Acquisition geometry regularization' set to 'apply regularization transform'."
        ),
        Action.GIVE_ONE_EXAM: _("Choose volumes of one exam that show the same part of the body."),
        Action.GIVE_PHASES: _("Choose the non-contrast and the excretory volume."),
        Action.COVER_KIDNEYS: _("Check that it covers the kidneys, or give their segmentation as input."),
        Action.GIVE_KIDNEYS: _("Name the segments right kidney and left kidney."),
        Action.GIVE_MATCHING_KIDNEYS: _("Choose the segmentation that was made on this volume."),
        Action.CONVERT_SEGMENT: _("Convert it to a binary labelmap."),
        Action.LOOK_AT_SEGMENTS: _("Look at them in the module Segment Editor."),
        Action.GIVE_SOURCE: _("Choose the folder with its DICOM files, or export without DICOM."),
        Action.NAME_SERIES: _("Choose the volumes of the phases yourself."),
        Action.INSTALL_TOTALSEGMENTATOR: _(
            "Install TotalSegmentator in Slicer's Python and try it by itself, or choose another segmenter."
        ),
        Action.INSTALL_DICOM: _("Export again and agree to the installation."),
        Action.CHOOSE_FOLDER: _("Choose another folder to export to."),
        Action.REPLACE_FOLDER: _("Choose another folder, or the option to replace it."),
        Action.FREE_DISK_SPACE: _(
            "Free some space, or choose another folder for temporary files in Slicer's settings."
        ),
        Action.CHOOSE_FORMAT: _("Tick at least one format."),
        Action.FREE_MEMORY: _(
            "Close other programs, choose a larger voxel size under Advanced, or run on a machine with more memory."
        ),
        Action.FREE_DEVICE_MEMORY: _("Close other programs that use the device, or choose the device CPU."),
        Action.CHOOSE_DEVICE: _("Choose another device, or install a PyTorch build for your GPU and driver."),
        Action.CHOOSE_MODEL: _(
            "Choose a model of the list under Advanced, or a bundle that was trained for this task."
        ),
        Action.GET_MODEL_AGAIN: _("Get the model file again, or choose another one of the list under Advanced."),
        Action.WAIT: _("Wait until it has ended, or cancel it."),
        Action.AGREE_TO_INSTALL: _("Apply again and agree to the installation."),
        Action.CHECK_NETWORK: _(
            "Check the network connection and the proxy settings, look at the output in the Python console, "
            "then apply again."
        ),
        Action.INSTALL_PYTORCH: _("Install it in the module 'PyTorch Utils'."),
        Action.INSTALL_PYTORCH_EXTENSION: _(
            "Install 'PyTorch' with the Extensions Manager, restart Slicer and apply again."
        ),
        Action.RESTART_SLICER: _("Restart Slicer."),
        Action.INSTALL_SLICER: _("Install Slicer again."),
        Action.CHOOSE_VOLUME: _("Choose at least one volume."),
        Action.CHOOSE_ANOTHER_VOLUME: _("Load its data, or choose another volume."),
        Action.LOAD_AGAIN: _("Load it again, choose it and apply again."),
        Action.HARDEN_TRANSFORM: _("Harden or remove the transform."),
        Action.DRAW_LINE: _("Draw a longer line."),
        Action.OPEN_DATABASE: _("Open the DICOM database in the module 'DICOM', and import the exams there."),
        Action.OPEN_VIEWS: _("Open the scene in a window first."),
        Action.RUN_AGAIN: _("Run again."),
    }
