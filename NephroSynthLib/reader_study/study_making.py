"""The command `reader-study make`: the pictures, the page and the key of a study."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.files.staging import check_file, check_target, staged_folder
from NephroSynthLib.jobs.request import Flag, Request, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.reader_study.image_pair import find_pairs
from NephroSynthLib.settings import field

if TYPE_CHECKING:
    from NephroSynthLib.reader_study.blinded_picture import BlindedPicture

PAGE, PICTURES = "reading.html", "pictures"


class StudyRequest(Request):
    """Makes a blinded reader study of real and synthetic slices: pictures, a page to judge them, and a key."""

    sources: Annotated[list[Path], Flag(metavar="SOURCE", positional=True)] = Field(
        description="Result folders with an acquired phase, folders that hold some, or tables (CSV) with the columns "
        "exam, real, synthetic, kidneys."
    )
    out: Path = Field(description="Folder for readers, with page and pictures; it must not exist, or be empty.")
    key: Path = Field(description="File for the key, which tells the truth; it must not lie in the folder for readers.")
    slices: int = field(options.STUDY_SLICES)
    window_width: float = field(options.STUDY_WINDOW_WIDTH)
    window_level: float = field(options.STUDY_WINDOW_LEVEL)
    equal_noise: bool = field(options.EQUAL_NOISE)
    seed: int | None = field(options.STUDY_SEED)
    overwrite: bool = field(options.OVERWRITE)


def make_study(request: StudyRequest, progress: Progress) -> Summary:
    """Writes a study.

    Returns:
        `study`, its code; `exams` and `pictures`, their numbers; `page` and `key`, the files; `warnings`.

    Raises:
        UsageError: If a target is there already, the key lies in the folder for readers, or the sources hold no pair.
        InputError: If a volume is missing or cannot be used; nothing is written then.
    """
    _check_targets(request)
    pairs, alone = find_pairs(request.sources)

    from NephroSynthLib.reader_study.blinded_picture import Window, blinded_pictures
    from NephroSynthLib.reader_study.paired_slices import PairedSlice, paired_slices
    from NephroSynthLib.reader_study.reading_page import reading_page
    from NephroSynthLib.reader_study.study_key import StudyKey, write_key

    slices: list[PairedSlice] = []
    for number, pair in enumerate(pairs):
        progress.update(number / len(pairs), pair.exam)
        slices += paired_slices(pair, request.slices)
    seed = secrets.randbits(63) if request.seed is None else request.seed
    window = Window(request.window_width, request.window_level)
    pictures = blinded_pictures(slices, window, request.equal_noise, seed)
    key = StudyKey(
        study=_code(pictures),
        seed=seed,
        window_hu=(window.width, window.level),
        equal_noise=request.equal_noise,
        pictures={picture.name: picture.key for picture in pictures},
    )
    with staged_folder(request.out, request.overwrite, (PAGE, PICTURES)) as folder:
        (folder / PICTURES).mkdir()
        for picture in pictures:
            (folder / PICTURES / f"{picture.name}.png").write_bytes(picture.png)
        (folder / PAGE).write_text(reading_page(key.study, pictures), encoding="utf-8")
        write_key(key, request.key)
    progress.update(1.0)
    return {
        "study": key.study,
        "exams": len(pairs),
        "pictures": len(pictures),
        "page": str(request.out / PAGE),
        "key": str(request.key),
        "warnings": [f"'{name}' is left out, because its result has no acquired phase." for name in alone],
    }


def _check_targets(request: StudyRequest) -> None:
    check_target(request.out, request.overwrite, (PAGE, PICTURES))
    check_file(request.key)
    out, key = request.out.resolve(), request.key.resolve()
    if out == key or out in key.parents:
        raise UsageError("The key lies in the folder for readers.", Action.SEPARATE_KEY)
    if key.is_dir() or (key.exists() and not request.overwrite):
        raise UsageError("The file for the key exists already.", Action.SEPARATE_KEY)


def _code(pictures: Sequence[BlindedPicture]) -> str:
    """Returns a code that belongs to these pictures in this order."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.png)
    return f"study-{digest.hexdigest()[:10]}"
