"""Parts that several areas of the page are made of."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

TIGHT: dict[str, Any] = {"density": "compact", "hide_details": True}
"""Attributes of a control that takes little room."""


def button(icon: str, text: str, click: str, **more: Any) -> None:
    """Adds a button with an icon; its text is told by the mouse and to screen readers.

    Args:
        icon: The name of the icon.
        text: The text.
        click: The statement of the page that a click carries out.
        more: Attributes of the button.
    """
    v3.VBtn(icon=icon, title=text, click=click, size="small", **more)


def slider(name: str, state: str, low: float | None, high: float, step: float, text: str, **more: Any) -> None:
    """Adds a row with a name, a slider and its value.

    Args:
        name: The name.
        state: The variable that the slider sets.
        low: Its least value.
        high: Its greatest value.
        step: Its step.
        text: An expression of the page that gives the text of the value.
        more: Attributes of the row.
    """
    with html.Div(classes="row", **more):
        html.Span(name, classes="name")
        v3.VSlider(v_model=(state,), min=low, max=high, step=step, name=name, color="#aeb6c1", **TIGHT)
        html.Span(f"{{{{ {text} }}}}", classes="value", style="min-width: 62px")
