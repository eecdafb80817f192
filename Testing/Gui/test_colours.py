"""The panel can be read in Slicer's light and in its dark style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gui_exam import ROOT

LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3
SECTIONS = ("inputs", "outputs", "advanced", "check", "comparison", "export")


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def style(request: pytest.FixtureRequest, host: Any) -> Iterator[None]:
    from PySide6.QtWidgets import QApplication
    from slicer_host.palette import slicer_palette

    QApplication.instance().setPalette(slicer_palette(request.param))
    yield
    QApplication.instance().setPalette(slicer_palette(False))


def test_all_text_has_enough_contrast(host: Any, widget: Any, exam_nodes: dict[str, Any], style: None) -> None:
    from PySide6.QtWidgets import QAbstractButton, QLabel
    from slicer_host.pythonqt import to_qt

    ui = widget.ui
    widget.panel.run.tell("Something went wrong.")
    for section in SECTIONS:
        getattr(ui, f"{section}Section").collapsed = False
    host.process_events(0.2)
    panel = to_qt(ui.inputsSection).parentWidget()
    texts = [*panel.findChildren(QLabel), *panel.findChildren(QAbstractButton)]
    read = [one for one in texts if one.isVisible() and one.isEnabled() and one.text()]
    assert len(read) > 40
    faint = {one.objectName() or one.text(): contrast(panel, one) for one in read}
    assert {name: ratio for name, ratio in faint.items() if ratio < LEAST_CONTRAST} == {}


def test_the_code_sets_no_colour_of_a_widget() -> None:
    for file in (ROOT / "NephroSynth").rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert not [word for word in ("QColor", "QPalette", "setStyleSheet", "styleSheet", "<font") if word in source]


def contrast(panel: Any, widget: Any) -> float:
    """Returns the contrast between the most frequent colour of a widget and the colour that differs most from it."""
    import numpy as np
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtGui import QImage

    place = QRect(widget.mapTo(panel, QPoint(0, 0)), widget.size())
    image = panel.grab(place).toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    light = luminance(colours / 255.0)
    ground = light[counts.argmax()]
    return float(((np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)).max())


def luminance(colours: Any) -> Any:
    """WCAG's relative luminance of sRGB colours (n, 3) in [0, 1]."""
    import numpy as np

    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)
