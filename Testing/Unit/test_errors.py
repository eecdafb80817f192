"""Errors carry an exit code for scripts and the code of a remedy for front ends."""

from __future__ import annotations

import re

import pytest

from NephroSynthLib import errors
from NephroSynthLib.errors import Action, InputError, NephroSynthError, is_out_of_memory

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NephroSynthError)]
CONTROLS = ("--", "nephrosynth ", "Advanced", "Apply", "Tick ")


@pytest.mark.parametrize("action", Action)
def test_a_remedy_has_a_code_and_a_sentence_without_controls(action: Action) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", action.value)
    assert Action.of(action.value) is action
    assert re.fullmatch(r"[A-Z].*\.", action.sentence)
    assert not any(control in action.sentence for control in CONTROLS)


def test_codes_and_sentences_are_unique() -> None:
    assert len({action.value for action in Action}) == len(list(Action))
    assert len({action.sentence for action in Action}) == len(list(Action))
    with pytest.raises(KeyError):
        Action.of("no-such-code")


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes_tell_kinds_of_failure_apart(kind: type[NephroSynthError]) -> None:
    meaning = {
        errors.UsageError: 2,
        errors.InputError: 3,
        errors.QualityGateError: 4,
        errors.ResourceError: 5,
        errors.Cancelled: 130,
    }
    expected = next((code for base, code in meaning.items() if issubclass(kind, base)), 1)
    assert kind.exit_code == expected


def test_an_error_reads_as_its_problem_and_its_remedy() -> None:
    error = InputError("The CT is an MR.", Action.GIVE_CT)
    assert str(error) == f"The CT is an MR. {Action.GIVE_CT.sentence}"
    assert str(InputError("The CT is an MR.")) == "The CT is an MR."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("Failed to allocate memory for image."), True),
        (RuntimeError("The file is damaged."), False),
    ],
)
def test_errors_of_libraries_about_memory_are_recognized(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected
