"""The lines of a worker become messages and errors of ours."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import Action, NotCTError, ResourceError, WorkerError
from NephroSynthLib.jobs.conversation import Conversation, as_line, worker_environment
from NephroSynthLib.jobs.worker import PROTOCOL, TEMPORARY


def line(kind: str, **fields: Any) -> bytes:
    return as_line({"type": kind, **fields})


def test_messages_about_the_job_are_passed_on_and_others_kept() -> None:
    talk = Conversation()
    assert talk.hear(line("hello", protocol=PROTOCOL, pid=7)) is None
    assert talk.worker_pid == 7
    assert talk.hear(line("progress", fraction=0.5)) == {"type": "progress", "fraction": 0.5}


@pytest.mark.parametrize("text", [b"garbage\n", b"[]\n", b'{"kind": 1}\n', line("hello", protocol=PROTOCOL + 1)])
def test_what_is_no_message_of_this_protocol_is_refused(text: bytes) -> None:
    with pytest.raises(WorkerError):
        Conversation().hear(text)


def test_an_error_comes_back_with_its_class_code_and_traceback() -> None:
    fields = {"class": "NotCTError", "what": "It is an MR.", "action": "give-ct", "traceback": "in job"}
    with pytest.raises(NotCTError) as raised:
        Conversation().hear(line("error", **fields))
    assert (raised.value.what, raised.value.action) == ("It is an MR.", Action.GIVE_CT)
    assert str(raised.value.__cause__) == "in job"


def test_a_death_is_explained() -> None:
    talk = Conversation()
    assert talk.log(b"last words\n") == "last words"
    assert isinstance(talk.why_it_died("by signal 9", killed=True), ResourceError)
    error = talk.why_it_died("with status 1", killed=False)
    assert "with status 1" in error.what
    assert "last words" in str(error.__cause__)


def test_data_of_a_killed_worker_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    talk = Conversation()
    talk.hear(line("temporary", path=str(left)))
    talk.clean_up()
    assert not left.exists()


def test_a_worker_imports_this_library_and_nothing_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    environment = worker_environment()
    first, *others = environment["PYTHONPATH"].split(os.pathsep)
    assert others == ["elsewhere"]
    assert Path(first).is_dir()
    assert environment["PYTHONSAFEPATH"] == "1"
    assert Path(environment[TEMPORARY]).is_dir()
    assert json.dumps(environment)
