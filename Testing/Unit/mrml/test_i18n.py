"""Texts go through Slicer's translation if there is one."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from NephroSynthLib.mrml import i18n


@pytest.mark.parametrize("with_slicer", [True, False])
def test_a_text_is_translated_where_slicer_translates(monkeypatch: pytest.MonkeyPatch, with_slicer: bool) -> None:
    slicers = ModuleType("slicer.i18n")
    slicers.tr = str.upper
    monkeypatch.setitem(sys.modules, "slicer.i18n", slicers if with_slicer else None)
    try:
        assert importlib.reload(i18n).tr("Run again.") == ("RUN AGAIN." if with_slicer else "Run again.")
    finally:
        monkeypatch.undo()
        importlib.reload(i18n)
