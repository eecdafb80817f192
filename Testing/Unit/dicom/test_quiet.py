from __future__ import annotations

import warnings

import pytest

from NephroSynthLib.dicom.quiet import quiet


def warn() -> str:
    warnings.warn("Mustermann^Erika", stacklevel=1)
    return "done"


def test_no_warning_is_shown_in_the_block_and_all_are_shown_after_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            assert warn() == "done"
        with pytest.raises(UserWarning, match="Mustermann"):
            warn()


def test_it_decorates_a_function_and_lets_errors_through() -> None:
    @quiet()
    def fail() -> None:
        warn()
        raise ValueError("damaged")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quiet()(warn)() == "done"
        with pytest.raises(ValueError, match="damaged"):
            fail()
