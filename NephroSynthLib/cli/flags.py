"""The fields of a request as parameters of a command: arguments, flags, and flags for single settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from NephroSynthLib import options
from NephroSynthLib.jobs.request import VOLUME, Flag, Request
from NephroSynthLib.settings import Settings

Values = Mapping[str, Any]


@dataclass(frozen=True)
class SettingFlag:
    """A flag for one of the nested settings.

    Attributes:
        path: The setting, with dots.
        parse: Reads its text; None where Typer reads its type.
        metavar: Placeholder of its value; empty for that of its type.
        help: Follows the setting's own help.
        default: Shown and used instead of the setting's own default.
        switches: Texts instead of a value, and the setting that each switches on.
        also: A second name of the flag without dashes; empty for none.
    """

    path: str
    parse: Callable[[str], Any] | None = None
    metavar: str = ""
    help: str = ""
    default: Any = None
    switches: Mapping[str, str] = field(default_factory=dict)
    also: str = ""

    def place(self, value: Any) -> dict[str, Any]:
        """Returns the settings that a value of this flag sets, nested as in JSON."""
        if isinstance(value, str) and value in self.switches:
            return {self.switches[value]: True}
        for name in reversed(self.path.split(".")):
            value = {name: value}
        return dict(value)


def read_spacing(text: str) -> tuple[float, ...] | None:
    """Reads three voxel sizes in mm; 'native' is None."""
    if text == "native":
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter("give 'native', or three numbers in mm, as in 0.8,0.8,2.5") from None
    return x, y, z


def read_delay(text: str) -> float | str:
    """Reads seconds; 'dicom' stays as it is."""
    if text == "dicom":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter("give seconds, or 'dicom' for the time in the header") from None


def parameters(request: type[Request], settings: Mapping[str, SettingFlag]) -> Iterator[inspect.Parameter]:
    """Yields the parameters of a request's command: arguments first, then required flags, then the others.

    Args:
        request: The request; a hidden field and the field `settings` have no parameter.
        settings: Flags for single settings, by name.
    """
    fields = request.model_fields
    shown = {name: field for name, field in fields.items() if name != "settings" and not _flag(field).hidden}
    order = sorted(shown, key=lambda name: _rank(name, shown[name]))
    for name in order:
        if name == "overwrite":
            break
        yield _parameter(name, shown[name])
    for name, flag in settings.items():
        yield _setting(name, flag)
    if "overwrite" in shown:
        yield _parameter("overwrite", shown["overwrite"])


def arguments(values: Values, settings: Mapping[str, SettingFlag]) -> dict[str, Any]:
    """Returns the arguments of a request, from the values of its command's parameters."""
    given = {name: value for name, value in values.items() if value is not None}
    chosen: dict[str, Any] = {}
    for name, flag in settings.items():
        value = given.pop(name.replace("-", "_"), None)
        if value is not None:
            _merge(chosen, flag.place(value))
    return {**given, "settings": chosen} if settings else given


def flag_names(request: type[Request], settings: Mapping[str, SettingFlag]) -> dict[str, str]:
    """Returns the flags by field and by setting, such as '--excretory-delay' for 'synthesis.excretory_delay_s'."""
    fields = {name: _flag(field) for name, field in request.model_fields.items()}
    flags = {name: flag.name or name.replace("_", "-") for name, flag in fields.items() if not flag.positional}
    return {name: f"--{flag}" for name, flag in {**flags, **{one.path: name for name, one in settings.items()}}.items()}


def reads_volumes(request: type[Request]) -> bool:
    """Returns whether a parameter of a request's command is a volume."""
    return any(_flag(field).metavar == VOLUME for field in request.model_fields.values())


def _merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    for name, value in source.items():
        if isinstance(value, dict):
            _merge(target.setdefault(name, {}), value)
        else:
            target[name] = value


def _rank(name: str, field: FieldInfo) -> int:
    """Returns the place of a parameter: arguments, required flags, the others, and --overwrite at the end."""
    if name == "overwrite":
        return 3
    return 0 if _flag(field).positional else 1 if field.is_required() else 2


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    kind, flag = _plain(field.annotation), _flag(field)
    default = inspect.Parameter.empty if field.is_required() else field.default
    if flag.positional:
        info = typer.Argument(help=field.description, metavar=flag.metavar or None)
    else:
        info = _option(flag.name or name.replace("_", "-"), kind, field, flag.metavar)
    if default is None:
        kind = kind | None if kind in (Path, str, int, float) else Union[kind, None]  # noqa: UP007
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _setting(name: str, flag: SettingFlag) -> inspect.Parameter:
    field = _field_of(flag.path)
    kind = Any if flag.parse else _plain(field.annotation)
    default = field.default if flag.default is None else flag.default
    info = _option(name, kind, field, flag.metavar, parser=flag.parse, more=flag.help, also=flag.also)
    return inspect.Parameter(
        name.replace("-", "_"), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _option(
    name: str,
    kind: Any,
    field: FieldInfo,
    metavar: str,
    parser: Callable[[str], Any] | None = None,
    more: str = "",
    also: str = "",
) -> Any:
    limits = {} if parser else _limits(field)
    shown_as = "" if kind is bool else metavar or None  # a flag that takes no value has no placeholder
    text = f"{field.description} {more}".strip()
    names = [f"--{one}" for one in (name, also) if one]
    return typer.Option(*names, help=text, metavar=shown_as, parser=parser, **limits)


def _limits(field: FieldInfo) -> dict[str, Any]:
    """Returns the range that the help shows; a limit that nobody meets is left out."""
    found = {}
    for limit in field.metadata:
        if getattr(limit, "ge", None) is not None:
            found["min"] = limit.ge
        if getattr(limit, "le", None) is not None and limit.le != options.LARGEST_SEED:
            found["max"] = limit.le
    return found


def _field_of(path: str) -> FieldInfo:
    """Returns the field of a setting, such as 'synthesis.steps'."""
    model: type[BaseModel] = Settings
    *groups, name = path.split(".")
    for group in groups:
        inner = model.model_fields[group].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return model.model_fields[name]


def _flag(field: FieldInfo) -> Flag:
    """Returns how a field is shown: its own mark, or that of its type."""
    of_type = (mark for part in _parts(field.annotation) for mark in getattr(part, "__metadata__", ()))
    return next((mark for mark in (*field.metadata, *of_type) if isinstance(mark, Flag)), Flag())


def _plain(annotation: Any) -> Any:
    """Returns a type without None and without marks."""
    part = _parts(annotation)[0]
    return get_args(part)[0] if get_origin(part) is Annotated else part


def _parts(annotation: Any) -> list[Any]:
    """Returns the members of a union other than None; a type that is no union alone."""
    if get_origin(annotation) in (Union, UnionType):
        return [part for part in get_args(annotation) if part is not NoneType]
    return [annotation]
