"""The page of a study: one HTML file on which a reader judges the pictures, without any connection."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from NephroSynthLib.files.html_page import rendered
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.reader_study.blinded_picture import BlindedPicture
from NephroSynthLib.reader_study.study_answers import COLUMNS

TEMPLATE, SCRIPT = "reading.html.j2", "reading.js"


def reading_page(study: str, pictures: Sequence[BlindedPicture]) -> str:
    """Returns the page as HTML.

    It holds the pictures in their order with their neutral names, and nothing of the key.

    Args:
        study: Code of the study.
        pictures: The pictures in the order in which readers see them.
    """
    folder = Path(__file__).parent
    content = {
        "study": study,
        "columns": COLUMNS,
        "pictures": [{"name": one.name, "png": base64.b64encode(one.png).decode("ascii")} for one in pictures],
    }
    return rendered(
        folder / TEMPLATE,
        count=len(pictures),
        notice=RESEARCH_ONLY,
        content=Markup(json.dumps(content)),  # names and codes of our own, and base64
        script=Markup((folder / SCRIPT).read_text(encoding="utf-8")),
    )
