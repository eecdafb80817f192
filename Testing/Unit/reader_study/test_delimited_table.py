from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.reader_study.delimited_table import read_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_as_people_and_spreadsheets_write_it(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    lines = (("Exam", " Real ", "note"), ("e 1 ", "a.nrrd"), ("", ""), ("e 2", "b.nrrd", "x", "one too many"))
    path.write_text("\r\n".join(delimiter.join(line) for line in lines), encoding="utf-8-sig")
    table = read_table(path, "source", Action.GIVE_PAIRS)
    assert table.columns == ("exam", "real", "note")
    assert list(table.rows) == [
        (2, {"exam": "e 1", "real": "a.nrrd", "note": ""}),
        (3, {"exam": "", "real": "", "note": ""}),
        (4, {"exam": "e 2", "real": "b.nrrd", "note": "x"}),
    ]


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").touch()
    table = read_table(tmp_path / "t.csv", "source", Action.GIVE_PAIRS)
    assert (table.columns, list(table.rows)) == ((), [])


def test_what_is_no_text_is_refused_with_its_role(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "t.csv", tmp_path / "none.csv"):
        with pytest.raises(UnreadableInputError, match=f"The answers '{path.name}' does not exist") as refused:
            read_table(path, "answers", Action.GIVE_ANSWERS)
        assert refused.value.action == Action.GIVE_ANSWERS
