from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from NephroSynthLib.files.html_page import rendered


def test_text_is_escaped_and_markup_is_not(tmp_path: Path) -> None:
    template = tmp_path / "page.html.j2"
    template.write_text("{% if True %}\n<p>{{ text }}{{ mark }}</p>\n{% endif %}\n", encoding="utf-8")
    assert rendered(template, text="<b>", mark=Markup("<i>")) == "<p>&lt;b&gt;<i></p>\n"


def test_a_value_that_is_not_given_is_an_error(tmp_path: Path) -> None:
    template = tmp_path / "page.html.j2"
    template.write_text("{{ missing }}", encoding="utf-8")
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        rendered(template)
