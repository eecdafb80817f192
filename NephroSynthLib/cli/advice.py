"""The remedies of errors in the words of the command line: with its flags and commands."""

from __future__ import annotations

from NephroSynthLib.errors import Action

_ADVICE = {
    Action.GIVE_PHASES: "Give --noncontrast and --excretory, or --dicom, not both.",
    Action.CHECK_REGISTRATION: "Check that both phases are of one exam, or run without --strict.",
    Action.GIVE_TRANSFORMED: (
        "Give --volume, --labels or --points, or ask for --inverse-field, --jacobian or --displacement."
    ),
    Action.GIVE_GRID: "Give --like IMAGE, whose grid the output takes.",
    Action.COVER_KIDNEYS: "Check that it covers the kidneys, or give their segmentation with --kidneys.",
    Action.GIVE_DICOM_PHASES: "Give --dicom, or DICOM folders for the phases.",
    Action.GIVE_SYNTHETIC: "Give synthetic_nephrographic.nii.gz of the result as --volume.",
    Action.GIVE_DICOM_OUTPUT: "Give --dicom-out too, or leave --deidentify out.",
    Action.NAME_SERIES: (
        "Look at the series with `nephrosynth phases`, and name them by number (N, or N.P for part P) or UID: "
        "--noncontrast-series N --excretory-series N."
    ),
    Action.INSTALL_TOTALSEGMENTATOR: (
        "Install it (pip install TotalSegmentator) and try it by itself, or choose another --segmenter."
    ),
    Action.INSTALL_DICOM: "Install the packages for DICOM: pip install 'nephrosynth[dicom]'.",
    Action.CHOOSE_FOLDER: "Choose another place for the output.",
    Action.REPLACE_FOLDER: "Choose another --out, or give --overwrite to replace the older result.",
    Action.SEPARATE_FOLDERS: "Give --dicom-out a folder of its own.",
    Action.FREE_DISK_SPACE: "Free some space, or choose another --out or temporary folder.",
    Action.FREE_MEMORY: "Close other programs, choose a coarser --spacing, or run on a machine with more memory.",
    Action.FREE_DEVICE_MEMORY: "Close other programs that use the device, or give --device cpu.",
    Action.CHOOSE_DEVICE: "Choose another --device, or install a PyTorch build for your GPU and driver.",
    Action.CHOOSE_MODEL: (
        "Choose a bundled model of `nephrosynth models list`, or a bundle that `nephrosynth train` made for this task."
    ),
    Action.LOWER_SLICES: "Give smaller --slices, or leave it out.",
    Action.TRAIN_GENERATOR: (
        "Train one with `nephrosynth train generation --method NAME --out FOLDER`, and give its bundle as --model."
    ),
    Action.GET_MODEL_AGAIN: "Get the model file again, or choose another one of `nephrosynth models list`.",
    Action.PREPARE_EXAMS: "Prepare the exams of a cohort with `nephrosynth prepare`, or simulate some with --exams.",
    Action.INSTALL_TRAINING: "Install the packages for training: pip install 'nephrosynth[train]'.",
    Action.CHOOSE_SEED: "Choose a smaller --seed.",
    Action.CHOOSE_BATCH_SIZE: "Give a multiple of the number of processes as --batch-size.",
    Action.CHOOSE_START: "Choose another bundle, or leave --start-from out.",
    Action.PREPARE_FOR_TASK: "Give another --out; prepare the exams of each task in a folder of its own.",
    Action.RESTART_TRAINING: "Give another --out, or --restart to begin anew; prepared cases stay.",
    Action.WAIT_FOR_RUN: "Wait until it has ended, or choose another --out.",
    Action.INSTALL_RAY: "Install it: pip install 'nephrosynth[ray]'.",
    Action.CHECK_CLUSTER: "Check --address, --gpus-per-exam and --memory-per-exam, and `ray status`.",
    Action.SEPARATE_KEY: "Give another --key, outside of --out; --overwrite replaces an older one.",
    Action.GIVE_KEY: "Give the file that `nephrosynth reader-study make` wrote as --key.",
    Action.GIVE_RATINGS: "Give another file for the ratings with --ratings.",
    Action.CHOOSE_PORT: "Choose another one with --port; 0 takes any that is free.",
    Action.INSTALL_VIEW: "Install them: pip install 'nephrosynth[view]'.",
    Action.REPORT: "Please report this with the output of --verbose.",
}


def advice(action: Action | None) -> str:
    """Returns the sentence that the terminal shows for a remedy; empty for None."""
    return _ADVICE.get(action, action.sentence) if action else ""
