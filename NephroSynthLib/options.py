"""The options that a user can set, each declared once: default, range, unit, choices and help.

`NephroSynthLib.settings` and the requests of `NephroSynthLib.jobs` build their fields from these declarations, and the
command line its flags. Slicer's panel reads them directly, because it starts before pydantic is installed; therefore
this module imports the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

Value = TypeVar("Value")

RegistrationMode = Literal["dense", "two-stage", "affine", "none"]
LandmarkUse = Literal["start", "rigid", "affine", "thin-plate"]
SamplerName = Literal["ddpm", "ddim", "dpm-solver++"]
Budget = Literal["tiny", "small", "paper"]
PhaseFormat = Literal["nifti", "nrrd", "dicom"]
EngineName = Literal["local", "ray"]
ImageFormat = Literal["nifti", "nrrd"]
"""How images are saved: compressed NIfTI, or uncompressed NRRD, which is quick to write and to load."""

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Option(Generic[Value]):
    """One option.

    Attributes:
        default: The value of a user who sets nothing.
        help: A sentence for the user.
        least: The smallest number that is allowed; None where there is none.
        most: The largest number that is allowed; None where there is none.
        choices: The texts that are allowed; empty where any is.
        unit: Of a number, such as 'mm'; empty where it has none.

    Example:
        >>> STEPS.default, STEPS.least, STEPS.most
        (1, 1, 4000)
    """

    default: Value
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""


# Registration
REGISTRATION: Option[RegistrationMode] = Option(
    "dense",
    "Registration of the excretory phase. dense: the abdomen, then each kidney, then the tissue around the kidneys; "
    "two-stage: without the tissue; affine: the abdomen alone; none: the phases are aligned already.",
    choices=get_args(RegistrationMode),
)
SSIM_GATE = Option(0.65, "Least SSIM around the kidneys after registration (SSIM_select of dsSNICT).", 0.0, 1.0)
LANDMARK_USE: Option[LandmarkUse] = Option(
    "start",
    "Use of landmarks. start: a rigid map of them starts the registration of the abdomen; rigid, affine, thin-plate: "
    "such a map replaces it. A thin-plate map replaces the registration of each kidney, too.",
    choices=get_args(LandmarkUse),
)
STRICT = Option(False, "Fail (exit 4) if the registration misses its quality gate.")

# Segmentation
SEGMENTATION_MODEL = Option(
    "kidney-segmenter",
    "Segmentation model: the name of a bundled model, a .safetensors bundle, or totalsegmentator if that is installed.",
)
SEGMENTATION_STEPS = Option(1, "Denoising steps. One step gives the most accurate kidneys.", 1, 1000)

# Synthesis
SYNTHESIS_MODEL = Option(
    "nephrographic-synthesizer", "Synthesis model: the name of a bundled model, or a .safetensors bundle."
)
SAMPLER: Option[SamplerName] = Option(
    "dpm-solver++", "How the model's answers are turned into a volume.", choices=get_args(SamplerName)
)
STEPS = Option(
    1,
    "Denoising steps. One step gives the most accurate volume; more steps of the bundled model add noise. "
    "Several samples take at least four steps.",
    1,
    4000,
)
LEAST_STEPS_OF_SAMPLES = 4
"""One step gives nearly the same volume for every noise, so samples of one step would have no spread."""
SAMPLES = Option(1, "Volumes to draw. More than one gives an uncertainty map and takes that much longer.", 1, 64)
EXCRETORY_DELAY: Option[float | None] = Option(
    None,
    "Time from the injection of contrast medium to the excretory phase. The model uses it.",
    1.0,
    3600.0,
    unit="s",
)
NEPHROGRAPHIC_DELAY: Option[float | None] = Option(
    None,
    "Time from the injection of contrast medium to the nephrographic phase that is wanted. "
    "It narrows the estimate by a kinetic model.",
    30.0,
    300.0,
    unit="s",
)
WEIGHT: Option[float | None] = Option(
    None, "Body weight. It narrows the estimate by a kinetic model.", 2.0, 400.0, unit="kg"
)
IODINE: Option[float | None] = Option(
    None, "Mass of the injected iodine. It narrows the estimate by a kinetic model.", 1.0, 150.0, unit="g"
)
EGFR: Option[float | None] = Option(
    None,
    "Glomerular filtration rate of both kidneys. It narrows the estimate by a kinetic model.",
    2.0,
    250.0,
    unit="ml/min",
)
PATIENT_FROM_DICOM = Option(False, "Take a weight and an iodine dose that are not given from the DICOM header.")
MARGIN = Option(25.0, "Synthesized region around the kidneys.", 10.0, 200.0, unit="mm")

# A whole run
DEVICE = Option("auto", "Device of the networks: auto, cpu, cuda:N or mps. auto takes a GPU if PyTorch finds one.")
SEED = Option(0, "Seed of the noise. The same seed on the same device gives the same volume.", 0, LARGEST_SEED)
SPACING: Option[tuple[float, float, float] | None] = Option(
    None,
    "Voxel size of the result in mm: left-right, front-back, head-foot; 0 keeps the input's.",
    0.3,
    10.0,
    unit="mm",
)
IMAGES: Option[ImageFormat] = Option("nifti", "Format of the images.", choices=get_args(ImageFormat))
LABEL = Option("", "Name of the exam in the report, such as a study number of your own. No header is read for it.")
LONGEST_LABEL = 64
OVERWRITE = Option(False, "Replace an earlier result.")
DEIDENTIFY = Option(False, "Remove every identifier from the DICOM output (basic profile of PS3.15).")

# Simulation
SAMPLE_SEED = 900_001
"""The simulated exam of `nephrosynth demo` and of Slicer's sample. No bundled model was trained on it."""
EXAM_SEED = Option(0, "Of the first exam; the next ones follow it.", 0, LARGEST_SEED)
EXAM_COUNT = Option(1, "How many exams.", 1)
ANATOMIES: Option[None] = Option(
    None, "Folder with label maps of real patients, which drive every second exam on average; the others are drawn."
)
PHASE_FORMAT: Option[PhaseFormat] = Option("nifti", "Of the phases.", choices=get_args(PhaseFormat))

# Training
HELD_OUT = Option(0.1, "Share of the exams that only judge.", 0.0, 1.0)
METHOD: Option[str | None] = Option(
    None,
    "Synthesis method or generator to train; dssnict or mt-ddpm if none is given. It has no meaning for segmentation.",
)
TRAINING_STEPS = Option(20_000, "Optimizer steps.", 1)
TRAINING_EXAMS = Option(400, "Simulated exams to draw from; 0 for a cohort alone.", 0)
TRAINING_SEED = Option(0, "Of exams, weights, crops and noise.", 0)
BATCH_SIZE = Option(2, "Crops of a step.", 1)
LEARNING_RATE = Option(1e-3, "The highest of AdamW.", 1e-8, 1.0)
BUNDLE_NAME = Option("", "Name of the trained model and of its file; that of the folder if none is given.")
RESTART = Option(
    False, "Begin anew where the folder holds another training: removes its checkpoints, and keeps prepared exams."
)
PREPARERS = Option(1, "Processes that prepare exams.", 1)

# Many exams
ENGINE: Option[EngineName] = Option(
    "local", "local: processes of this machine; ray: a cluster.", choices=get_args(EngineName)
)
WORKERS = Option(1, "Exams at the same time, on all machines together.", 1)
GPUS_PER_EXAM = Option(0.0, "GPUs that Ray reserves for an exam; 0.5 lets two exams share one.", 0.0)
MEMORY_PER_EXAM = Option(4.0, "Memory that Ray reserves for an exam.", 0.1, unit="GB")
ADDRESS = Option("", "Address of a running Ray cluster, or 'auto'; without one, Ray starts on this machine.")
RETRY_FAILED = Option(False, "Run exams that failed again, even if nothing changed.")

# New images
GENERATOR: Option[str | None] = Option(
    None,
    "Generator: mt-ddpm, wgan-gp, pggan or stylegan for slices; ascii-2, ascii-3 or slice-vae for volumes. "
    "Without one, that of the model.",
)
GENERATION_MODEL: Option[str | None] = Option(
    None,
    "Bundle of `nephrosynth train generation`, or the name of a bundled model; that of the method if none is given.",
)
GENERATED = Option(1, "How many slices or volumes.", 1, 9999)
GENERATED_SLICES: Option[int | None] = Option(None, "Height of a volume; 24 if none is given.", 1, 400)
GENERATION_STEPS: Option[int | None] = Option(
    None, "Denoising steps of a slice, for mt-ddpm, ascii-2 and ascii-3 alone; 50 if none is given.", 1, 4000
)

# The benchmark
BENCHMARK_METHODS = Option("all", "Methods to compare, with commas between them, or 'all'.")
BENCHMARK_EXAMS = Option(20, "Held-out exams to measure on.", 1)
BENCHMARK_FEATURES: Option[None] = Option(
    None,
    "TorchScript file of a network, such as Inception, whose features the distances of sets of slices use; the program"
    " in it is run. Without one, the encoder of our own segmenter.",
)
BUDGET: Option[Budget] = Option(
    "small",
    "Batches that each method learns from: 'small' 1500, 'paper' 200,000; 'tiny', 60, only shows that it works.",
    choices=get_args(Budget),
)

# A reader study
STUDY_SLICES = Option(4, "Slices of each exam, evenly spaced through the kidneys.", 1, 1000)
STUDY_WINDOW_WIDTH = Option(400.0, "Width of the window of the pictures.", 1.0, 4000.0, unit="HU")
STUDY_WINDOW_LEVEL = Option(50.0, "Level of the window of the pictures.", -1000.0, 3000.0, unit="HU")
EQUAL_NOISE = Option(False, "Add white noise to the smoother picture of each pair, so that both have the same noise.")
STUDY_SEED: Option[int | None] = Option(
    None, "Of order and noise. Drawn if none is given; readers must not know it.", 0, LARGEST_SEED
)

# The browser view
VIEW_PORT = Option(8080, "Port of the page; 0 takes any that is free.", 0, 65535)
VIEW_HOST = Option("127.0.0.1", "Address that it listens on; 127.0.0.1 is reached from this machine alone.")

# A PACS
PORT = Option(104, "Its DICOM port.", 1, 65535)
AE_TITLE = Option("ANY-SCP", "Its AE title.")
OWN_AE_TITLE = Option("NEPHROSYNTH", "The AE title of this computer.")
TIMEOUT = Option(30.0, "Seconds to wait for any answer.", 0.1, unit="s")
