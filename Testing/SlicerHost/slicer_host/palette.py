"""Colours of Slicer's light and dark style (Slicer/Base/QTGUI/qSlicerStyle.cxx)."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

_LIGHT = {
    "Window": "#efefef",
    "WindowText": "#000000",
    "Base": "#ffffff",
    "AlternateBase": "#f7f7f7",
    "ToolTipBase": "#ffffdc",
    "ToolTipText": "#000000",
    "Text": "#000000",
    "Button": "#efefef",
    "ButtonText": "#000000",
    "BrightText": "#ffffff",
    "Highlight": "#308cc6",
    "HighlightedText": "#ffffff",
    "PlaceholderText": "#808080",
    "Link": "#0057ae",
}
_DARK = {
    "Window": "#323232",
    "WindowText": "#e6e6e6",
    "Base": "#282828",
    "AlternateBase": "#343434",
    "ToolTipBase": "#3c3c3c",
    "ToolTipText": "#e6e6e6",
    "Text": "#e6e6e6",
    "Button": "#404040",
    "ButtonText": "#e6e6e6",
    "BrightText": "#ffffff",
    "Highlight": "#2a82da",
    "HighlightedText": "#ffffff",
    "PlaceholderText": "#969696",
    "Link": "#56a8f5",
}


def slicer_palette(dark: bool) -> QPalette:
    """Palette of the light or dark style."""
    palette = QPalette(QColor((_DARK if dark else _LIGHT)["Button"]))
    for name, color in (_DARK if dark else _LIGHT).items():
        palette.setColor(getattr(QPalette.ColorRole, name), QColor(color))
    muted = QColor("#7a7a7a" if dark else "#969696")
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, muted)
    return palette
