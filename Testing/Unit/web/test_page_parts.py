from __future__ import annotations

import pytest

pytestmark = pytest.mark.system("view")


def test_a_button_and_a_slider_have_names_for_screen_readers() -> None:
    from trame.app import get_server
    from trame.ui.vuetify3 import VAppLayout

    from NephroSynthLib.web.page_parts import button, slider

    with VAppLayout(get_server("test_page_parts", client_type="vue3")) as layout:
        button("mdi-help", "Help", "help = true", id="one")
        slider("Width", "width", 1, 2000, 1, "width + ' HU'")
    assert 'title="Help"' in layout.html
    assert 'click="help = true"' in layout.html
    assert 'name="Width"' in layout.html  # Vuetify's name for screen readers
    assert "{{ width + ' HU' }}" in layout.html
