"""What engines share."""

from __future__ import annotations

import pytest

from NephroSynthLib.engines.engine import thread_limits


def test_a_limit_of_threads_that_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", raising=False)
    assert thread_limits(2) == {"OMP_NUM_THREADS": "7", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "2"}
