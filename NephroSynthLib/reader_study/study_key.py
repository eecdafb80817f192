"""The key of a study: the truth about each picture, in a file that readers do not get."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.files.staging import staged_file

Origin = Literal["real", "synthetic"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PictureKey(_Frozen):
    """The truth about one picture: exam, index of the slice from the feet, and origin."""

    exam: str
    slice: int
    origin: Origin


class StudyKey(_Frozen):
    """The content of the key file.

    Attributes:
        schema_version: Raised whenever a field changes its meaning or goes.
        study: Code of the study; it stands in the answers too, and tells nothing else.
        seed: Of order and noise.
        window_hu: Width and level of the pictures.
        equal_noise: Whether the smoother one of two pictures got noise.
        pictures: The truth by name of the picture.
    """

    schema_version: Literal[1] = 1
    study: str
    seed: int
    window_hu: tuple[float, float]
    equal_noise: bool
    pictures: dict[str, PictureKey] = Field(min_length=2)


def write_key(key: StudyKey, path: Path) -> None:
    """Writes a key.

    Raises:
        ResourceError: If the file cannot be written.
    """
    with staged_file(path) as temporary:
        temporary.write_text(key.model_dump_json(indent=2), encoding="utf-8")


def read_key(path: Path) -> StudyKey:
    """Reads a key.

    Raises:
        UnreadableInputError: If the file is missing or no key.
    """
    try:
        return StudyKey.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableInputError(
            f"The file '{path.name}' does not exist, or is not the key of a study.", Action.GIVE_KEY
        ) from error
