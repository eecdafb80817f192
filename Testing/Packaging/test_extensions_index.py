"""The entry for the Extensions Index, against the rules of Slicer's schema and of the index's own checks."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "Resources/ExtensionsIndex/NephroSynth.json"
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def _setting(name: str) -> str:
    found = re.search(rf'set\({name} "?([^")]*)"?\)', CMAKE)
    assert found, f"{name} is not set"
    return found[1]


def test_the_entry_follows_the_schema() -> None:
    """slicer-extension-catalog-entry-schema-v1.0.1: required keys, no other keys, types, and the range of the tier."""
    entry = json.loads(ENTRY.read_bytes())
    assert b"\r" not in ENTRY.read_bytes()
    assert {"$schema", "category", "scm_url"} <= entry.keys()
    types = {
        "$schema": str,
        "category": str,
        "scm_url": str,
        "scm_revision": str,
        "scm_type": str,
        "build_dependencies": list,
        "build_subdirectory": str,
        "enabled": bool,
        "tier": int,
    }
    assert entry.keys() <= types.keys()
    assert all(isinstance(value, types[key]) for key, value in entry.items())
    assert all(isinstance(name, str) for name in entry.get("build_dependencies", []))
    assert entry.get("scm_type", "git") in ("git", "local")
    assert "slicer-extension-catalog-entry-schema-v1.0.1.json" in entry["$schema"]
    assert 1 <= entry["tier"] <= 5


def test_the_names_are_as_the_index_wants_them() -> None:
    entry = json.loads(ENTRY.read_bytes())
    repository = Path(entry["scm_url"]).stem
    assert re.search(r"project\((\w+)\)", CMAKE)[1] == ENTRY.stem
    assert not ENTRY.stem.lower().startswith("slicer")
    assert repository.startswith("Slicer")
    assert entry["scm_url"].startswith("https://")


def test_the_entry_and_cmake_say_the_same() -> None:
    entry = json.loads(ENTRY.read_bytes())
    home = entry["scm_url"].removesuffix(".git")
    pictures = f"{home}/{entry['scm_revision']}/".replace("github.com", "raw.githubusercontent.com")
    assert entry["category"] == _setting("EXTENSION_CATEGORY")
    assert entry["build_dependencies"] == _setting("EXTENSION_DEPENDS").split()
    assert str(entry["tier"]) == _setting("EXTENSION_TIER")
    assert home == _setting("EXTENSION_HOMEPAGE")
    assert _setting("EXTENSION_ICONURL").startswith(pictures)
    assert all(url.startswith(pictures) for url in _setting("EXTENSION_SCREENSHOTURLS").split())


def test_the_description_is_one_sentence() -> None:
    description = _setting("EXTENSION_DESCRIPTION")
    assert description.count(".") == 1
    assert description.endswith(".")


def test_the_icon_is_a_png_of_128_by_128_with_its_source_and_the_module_shows_the_same() -> None:
    icon = ROOT / "Resources/Icons/NephroSynth.png"
    header = icon.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:24]) == (128, 128)
    assert icon.with_suffix(".svg").is_file()
    assert icon.read_bytes() == (ROOT / "NephroSynth/Resources/Icons/NephroSynth.png").read_bytes()
