"""Each option is declared once, with a default inside its range, and without any library but Python's."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import pytest

from NephroSynthLib import options
from NephroSynthLib.options import Option

DECLARED = {name: value for name, value in vars(options).items() if isinstance(value, Option)}


@pytest.mark.parametrize("name", DECLARED)
def test_a_default_lies_in_its_range_and_among_its_choices(name: str) -> None:
    option: Option[Any] = DECLARED[name]
    assert option.help.endswith(".")
    if option.choices:
        assert option.default in option.choices
    if option.default is not None:
        assert option.least is None or option.default >= option.least
        assert option.most is None or option.default <= option.most


def test_choices_are_those_of_their_types() -> None:
    assert options.REGISTRATION.choices == get_args(options.RegistrationMode)
    assert options.SAMPLER.choices == get_args(options.SamplerName)
    assert options.PHASE_FORMAT.choices == get_args(options.PhaseFormat)
    assert options.IMAGES.choices == get_args(options.ImageFormat)


def test_the_declarations_need_python_alone() -> None:
    program = """
import sys
before = set(sys.modules)
import NephroSynthLib.options
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['NephroSynthLib']"
