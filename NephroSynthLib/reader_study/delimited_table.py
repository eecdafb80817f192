"""Tables that people write or spreadsheets save: text in UTF-8, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib.errors import Action, UnreadableInputError


@dataclass(frozen=True)
class DelimitedTable:
    """A table.

    Attributes:
        columns: Names of its columns, in lower case.
        rows: The number of each line, and its texts by column without spaces around them; a missing text is empty.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, dict[str, str]]]


def read_table(path: Path, role: str, action: Action) -> DelimitedTable:
    """Reads a table; its first line tells the character between the columns.

    Args:
        path: The file.
        role: Its name in the error, such as 'source'.
        action: The remedy of the error.

    Raises:
        UnreadableInputError: If the file is missing or no text in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInputError(
            f"The {role} '{path.name}' does not exist, or is no text in UTF-8.", action
        ) from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=first.count), restkey="", restval="")
    columns = [column.strip().lower() for column in reader.fieldnames or ()]
    reader.fieldnames = columns
    rows = ((reader.line_num, {name: str(row[name]).strip() for name in columns}) for row in reader)
    return DelimitedTable(tuple(columns), rows)
