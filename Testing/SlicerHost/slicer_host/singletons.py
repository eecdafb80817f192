"""Keeps Python 3.10 and 3.11 alive under PySide6 6.12.

That PySide6 is built against the stable ABI of Python 3.12, where None, True and False are immortal (PEP 683), and
gives them away without counting; an older Python then counts down to zero within minutes, and aborts.
"""

from __future__ import annotations

import ctypes
import sys

_PLENTY = 1 << 40


def make_immortal() -> None:
    """Gives None, True, False and NotImplemented more references than a process can lose."""
    if sys.version_info >= (3, 12):
        return
    for singleton in (None, True, False, NotImplemented):
        count = ctypes.c_ssize_t.from_address(id(singleton))
        if count.value < _PLENTY:
            count.value += _PLENTY
