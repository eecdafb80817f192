"""The documentation, against the tree and the program that it tells about."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.main import get_command

from NephroSynthLib.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "Documentation").glob("*.md"), ROOT / "README.md"])


def _of(page: Path, pattern: str) -> list[str]:
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_and_picture_is_there(page: Path) -> None:
    targets = [target.split("#")[0] for target in _of(page, r"\]\(([^)\s]+)\)") if "://" not in target]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_of_the_tree_that_is_named_is_there(page: Path) -> None:
    folders = "NephroSynth|NephroSynthLib|Testing|Resources|Documentation"
    named = _of(page, rf"`((?:{folders})/[\w./-]+)`")
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_exists(page: Path) -> None:
    commands = get_command(app).commands
    for line in _of(page, r"nephrosynth ([a-z][^`\n#]*)"):
        words = line.split()
        assert words[0] in commands, line
        command = commands[words[0]]
        if hasattr(command, "commands") and len(words) > 1:
            assert words[1] in command.commands, line
            command = command.commands[words[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line


PANEL = ElementTree.parse(ROOT / "NephroSynth/Resources/UI/NephroSynth.ui")
GUIDE = (ROOT / "Documentation/UserGuide.md").read_text(encoding="utf-8")


def _plain(text: str) -> str:
    return text.replace("&", "").strip().rstrip(":")


def _of_the_guide() -> set[str]:
    """What the guide tells about: headings, first columns of tables, and words in bold."""
    headings = re.findall(r"^##+ (.+)$", GUIDE, re.MULTILINE)
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", GUIDE, re.MULTILINE)
    named = [*headings, *rows, *re.findall(r"\*\*([^*]+)\*\*", GUIDE)]
    return {*named, *(part for row in rows for part in row.split(", "))}


def _controls() -> set[str]:
    """The words on the panel's buttons, boxes and sections, and those beside its fields."""
    clickable = ("QPushButton", "QToolButton", "QCheckBox", "ctkCollapsibleButton")
    found = set()
    for widget in PANEL.iter("widget"):
        text = widget.findtext("property[@name='text']/string") or ""
        field = widget.get("class") == "QLabel" and widget.find("property[@name='buddy']") is not None
        if widget.get("class") in clickable or field:
            found.add(_plain(text))
        found.add(_plain(widget.findtext("property[@name='suffix']/string") or ""))
    return found - {""}


def test_the_user_guide_tells_about_every_control_of_the_panel() -> None:
    units = {"s", "mm", "kg", "g", "ml/min"}
    told = _of_the_guide() | {word for word in ("tiles",) if word in GUIDE}
    assert _controls() - units - told == set()


def test_the_user_guide_names_controls_by_the_words_on_the_panel() -> None:
    words = {_plain(text.text or "") for text in PANEL.iter("string")}
    sections = re.split(r"^##+ ", GUIDE, flags=re.MULTILINE)[1:]
    for section in sections:
        if section.splitlines()[0] in words:
            for control in re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", section, re.MULTILINE):
                names = [control] if control in words else control.split(", ")
                missing = [name for name in names if name.strip("- ") and name not in words]
                assert missing == [], section.splitlines()[0]


def test_every_picture_is_shown() -> None:
    shown = {Path(target).name for page in PAGES for target in _of(page, r"\]\(([^)\s]+\.(?:png|gif))\)")}
    assert {path.name for path in (ROOT / "Documentation/Images").iterdir()} - shown == set()
