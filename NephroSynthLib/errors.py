"""The errors that NephroSynth raises on purpose, and codes for the actions that resolve them.

An error describes the problem. Its `Action` is a code for the remedy: the command line words it with its flags
(`NephroSynthLib.cli.advice`), the panel with its controls (`NephroSynthPanel.messages`).
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Action(Enum):
    """The code of a remedy, and a default sentence that names no control of any front end.

    The code is the member's value; it crosses process borders and stands in the JSON of an error.

    Attributes:
        sentence: The remedy in neutral words.

    Example:
        >>> Action.of("give-ct").sentence
        'Give the CT in Hounsfield units, with all its values.'
    """

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Action:
        """Makes a member whose value is the code alone."""
        member = object.__new__(cls)
        member._value_ = code
        member.sentence = sentence
        return member

    @classmethod
    def of(cls, code: str) -> Action:
        """Returns the member of a code.

        Raises:
            KeyError: If there is no such code.
        """
        try:
            return next(action for action in cls if action.value == code)
        except StopIteration:
            raise KeyError(code) from None

    # Volumes
    GIVE_VOLUME = "give-volume", "Give a NIfTI, NRRD or MetaImage file, or a folder with one DICOM series."
    GIVE_WHOLE_VOLUME = "give-whole-volume", "Give one whole volume that covers the kidneys."
    GIVE_CT = "give-ct", "Give the CT in Hounsfield units, with all its values."
    EXPORT_AGAIN = "export-again", "Copy or export it again from its source, or give another one."
    CORRECT_HEADER = "correct-header", "Convert the DICOM series again, or correct the header of the file."
    CORRECT_TILT = (
        "correct-tilt",
        "Correct the tilt first, for example with 3D Slicer's 'Acquisition geometry regularization'.",
    )
    RESAMPLE = "resample", "Resample the volumes onto one regular grid first."
    GIVE_MORE_VOLUMES = "give-more-volumes", "Give more volumes, whose features come from one network."

    # Phases of an exam
    GIVE_PHASES = "give-phases", "Give the non-contrast and the excretory phase, or a DICOM exam."
    GIVE_EACH_PHASE_ONCE = "give-each-phase-once", "Give one series for each phase."
    GIVE_ONE_EXAM = "give-one-exam", "Give phases of one exam that show the same part of the body."
    REGISTER_FIRST = "register-first", "Register the excretory phase first."
    CHECK_REGISTRATION = "check-registration", "Check that both phases are of one exam, or accept the registration."
    GIVE_LANDMARKS = (
        "give-landmarks",
        "Give more landmarks, each in both phases: three that do not lie on one line, "
        "or for an affine or thin-plate map four that do not lie in one plane.",
    )
    GIVE_POINTS = (
        "give-points",
        "Give Slicer's markups (.mrk.json), or a table (.csv) with named columns in LPS mm (see "
        "Documentation/Registration.md).",
    )

    GIVE_TRANSFORM = "give-transform", "Give the folder of a result, or its transform, excretory_to_noncontrast.h5."
    GIVE_TRANSFORMED = "give-transformed", "Give a volume, a label map or points, or ask for a map of the transform."
    GIVE_GRID = "give-grid", "Give an image whose grid the output takes."

    # Kidneys
    COVER_KIDNEYS = "cover-kidneys", "Check that it covers the kidneys, or give their segmentation."
    GIVE_KIDNEYS = (
        "give-kidneys",
        "Give 1 for the right and 2 for the left kidney, or segments named right kidney and left kidney.",
    )
    GIVE_MATCHING_KIDNEYS = "give-matching-kidneys", "Give the segmentation that was made on this CT."
    CONVERT_SEGMENT = "convert-segment", "Convert it to a binary labelmap."
    LOOK_AT_SEGMENTS = "look-at-segments", "Look at them in the module Segment Editor."

    # DICOM
    GIVE_DICOM = "give-dicom", "Give a folder with DICOM files, a DICOMDIR or a zip."
    GIVE_CT_SERIES = "give-ct-series", "Give the folder of one CT series."
    GIVE_DICOM_PHASES = "give-dicom-phases", "Give the exam as DICOM."
    GIVE_SOURCE = "give-source", "Give the DICOM series that the volume was computed from."
    GIVE_SYNTHETIC = "give-synthetic", "Give the synthetic nephrographic phase."
    GIVE_DICOM_OUTPUT = "give-dicom-output", "Ask for DICOM output too, or keep the identifiers."
    NAME_SERIES = "name-series", "Name the series of the phases by their number or UID."
    UNPACK = "unpack", "Unpack it first, if you trust it."
    CHECK_PACS = "check-pacs", "Check its address, port and AE titles, and that it knows this computer."
    INSTALL_TOTALSEGMENTATOR = (
        "install-totalsegmentator",
        "Install TotalSegmentator and try it by itself, or choose another segmenter.",
    )
    INSTALL_DICOM = "install-dicom", "Install the packages for DICOM."

    # Files and folders
    CHOOSE_FOLDER = "choose-folder", "Choose another output folder."
    REPLACE_FOLDER = "replace-folder", "Choose another output folder, or allow its replacement."
    SEPARATE_FOLDERS = "separate-folders", "Give the DICOM output a folder of its own."
    RENAME = "rename", "Rename the file or folder."
    CHECK_PERMISSIONS = "check-permissions", "Check the permissions of files and folders, and the free disk space."
    FREE_DISK_SPACE = "free-disk-space", "Free some disk space, or choose another folder for output or temporary files."
    CHOOSE_FORMAT = "choose-format", "Choose at least one format."

    # Computer
    FREE_MEMORY = (
        "free-memory",
        "Close other programs, choose a larger voxel size, or run on a machine with more memory.",
    )
    FREE_DEVICE_MEMORY = "free-device-memory", "Close other programs that use the device, or compute on the CPU."
    CHOOSE_DEVICE = "choose-device", "Choose another device, or install a PyTorch build for your GPU and driver."

    # Models and training
    CHOOSE_MODEL = "choose-model", "Choose a bundled model, or a bundle that NephroSynth trained for this task."
    GET_MODEL_AGAIN = "get-model-again", "Get the model file again, or choose another one."
    UPDATE = "update", "Update NephroSynth."
    GIVE_COHORT = (
        "give-cohort",
        "Give a folder that holds one folder for each exam (see Documentation/Training.md).",
    )
    GIVE_ANATOMIES = "give-anatomies", "Give a folder with label maps (see Documentation/Training.md)."
    PREPARE_EXAMS = "prepare-exams", "Prepare the exams of a cohort, or simulate some."
    CHOOSE_SEED = "choose-seed", "Choose a smaller seed."
    CHOOSE_BATCH_SIZE = "choose-batch-size", "Choose a multiple of the number of processes."
    CHOOSE_START = "choose-start", "Choose another bundle to start from, or start from new weights."
    LOWER_SLICES = "lower-slices", "Ask for fewer slices."
    TRAIN_GENERATOR = "train-generator", "Train a generator first, and give its bundle as the model."
    INSTALL_TRAINING = "install-training", "Install the packages for training."
    CHECK_TRAINING = "check-training", "Check the training run."
    PREPARE_FOR_TASK = "prepare-for-task", "Prepare the exams of each task in a folder of its own."
    REMOVE_CASE = "remove-case", "Remove the file, and prepare its exam again."
    RESTART_TRAINING = "restart-training", "Train in another folder, or begin anew in this one."

    # Many exams
    CORRECT_MANIFEST = "correct-manifest", "Correct the manifest (see Documentation/Cohorts.md)."
    NAME_IN_MANIFEST = "name-in-manifest", "Name its series in the manifest, and empty its column 'unclear'."
    WAIT_FOR_RUN = "wait-for-run", "Wait until it has ended, or choose another output folder."
    INSTALL_RAY = "install-ray", "Install Ray."
    CHECK_CLUSTER = "check-cluster", "Check its address and the resources of its machines."

    # Reader studies
    GIVE_PAIRS = (
        "give-pairs",
        "Give results with an acquired phase, or a table with existing volumes (see Documentation/ReaderStudy.md).",
    )
    SEPARATE_KEY = "separate-key", "Choose another file for the key."
    GIVE_KEY = "give-key", "Give the key that was written with the study."
    GIVE_ANSWERS = "give-answers", "Give the files that the readers downloaded from the page of this study."

    # The browser view
    GIVE_RESULTS = "give-results", "Give the folder of a result, of a cohort, or one that holds results."
    GIVE_RATINGS = "give-ratings", "Choose another file for the ratings."
    CHOOSE_PORT = "choose-port", "Choose another port."
    INSTALL_VIEW = "install-view", "Install the packages of the browser view."

    # Installation
    WAIT = "wait", "Wait until it has ended, or cancel it."
    AGREE_TO_INSTALL = "agree-to-install", "Try again and agree to the installation."
    CHECK_NETWORK = "check-network", "Check the network connection and the proxy settings, then try again."
    INSTALL_PYTORCH = "install-pytorch", "Install PyTorch in Slicer, then try again."
    INSTALL_PYTORCH_EXTENSION = "install-pytorch-extension", "Install Slicer's extension 'PyTorch', then try again."
    UPDATE_SLICER = "update-slicer", "Install a newer Slicer."
    USE_OTHER_SYSTEM = "use-other-system", "Use Slicer on Linux or Windows, or the command line on this computer."
    RESTART_SLICER = "restart-slicer", "Restart Slicer."
    INSTALL_SLICER = "install-slicer", "Install Slicer again."
    INSTALL_COMMAND_LINE = "install-command-line", "Install NephroSynth with pip and use its command line."
    REPORT = "report", "Please report this with the log."

    # Scene
    CHOOSE_VOLUME = "choose-volume", "Choose a volume that holds data."
    CHOOSE_ANOTHER_VOLUME = "choose-another-volume", "Load its data, or choose another volume."
    LOAD_AGAIN = "load-again", "Load it again, choose it and run again."
    HARDEN_TRANSFORM = "harden-transform", "Harden or remove the transform."
    DRAW_LINE = "draw-line", "Draw a longer line."
    OPEN_DATABASE = "open-database", "Open the DICOM database, and import the exams there."
    OPEN_VIEWS = "open-views", "Open the scene in a window first."
    RUN_AGAIN = "run-again", "Run again."


class NephroSynthError(Exception):
    """Base of every error that NephroSynth raises on purpose.

    Args:
        what: The problem, as a sentence without patient identifiers and without controls of a front end.
        action: The remedy; None when there is none.

    Attributes:
        exit_code: The exit status of a command that fails with this error.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, action: Action | None = None) -> None:
        super().__init__(f"{what} {action.sentence}" if action else what)
        self.what = what
        self.action = action


class UsageError(NephroSynthError):
    """Options that contradict each other or a target that would be overwritten."""

    exit_code = 2


class InputError(NephroSynthError):
    """Input that cannot be used; its subclasses name the kind."""

    exit_code = 3


class UnreadableInputError(InputError):
    """A file or folder that is missing, truncated, of an unknown format or not an image."""


class NotCTError(InputError):
    """An image that is not a CT, or whose values are not Hounsfield units."""


class ImageContentError(InputError):
    """Voxel values that cannot be a CT: not finite, constant, colour, not three-dimensional."""


class GeometryError(InputError):
    """Too few slices, irregular spacing, missing slices, gantry tilt, phases that do not overlap."""


class IdentityError(InputError):
    """Phases of different patients, or the same series given twice."""


class AmbiguousPhasesError(InputError):
    """DICOM series whose phases are doubtful, contradict each other, or belong to several exams."""


class NoKidneyError(InputError):
    """No kidney lies in the field of view, so there is nothing to synthesize."""


class ModelError(InputError):
    """A model file that is damaged, foreign, too new, unknown, or made for another task."""


class QualityGateError(NephroSynthError):
    """A registration that missed its quality gate in a strict run."""

    exit_code = 4


class ResourceError(NephroSynthError):
    """Too little memory or disk space, or a device that does not exist."""

    exit_code = 5


class NetworkError(ResourceError):
    """A PACS that cannot be reached, rejects the association or does not answer."""


class WorkerError(NephroSynthError):
    """A worker process that ended without a result, or broke the protocol."""


class Cancelled(NephroSynthError):
    """A run that the user ended.

    Args:
        kept: The part of its work that stays, as a sentence; empty for the usual end of the job.
    """

    exit_code = 130

    def __init__(self, kept: str = "") -> None:
        super().__init__(f"Cancelled. {kept or 'Nothing was written.'}")
        self.kept = kept


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error of any library reports that the memory of the computer or of a device ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("out of memory", "allocate memory", "bad_alloc")
    )
