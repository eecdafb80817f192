from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.phases.evidence import ENHANCED, Phase
from NephroSynthLib.phases.words import described_delay_s, names_several_energies, read_description

DESCRIPTIONS = {
    Phase.NONCONTRAST: """
        ABD W/O CONTRAST; Unenhanced 1.25mm; Abdomen C-; Abdomen nativ 5.0 B30f; sans injection;
        Sin contraste; basale senza mdc; sem contraste; Blanco; bez kontrastu; KONTRASTSIZ; Без контраста;
        平扫; 単純CT; 조영전
    """,
    Phase.CORTICOMEDULLARY: """
        Corticomedullary; Arterielle Phase; Temps cortico-médullaire; Fase arteriosa; faza tętnicza;
        Arteriyel faz; 皮髓质期; 皮髄相; 동맥기; Артериальная
    """,
    Phase.NEPHROGRAPHIC: """
        Nephrographic phase; Nephrographische Phase; Phase néphrographique; FASE NEFROGRÁFICA;
        fase nefrografica; Nefrografische fase; faza nefrograficzna; Nefrografik faz; 肾实质期 3mm;
        腎実質相; 신실질기; Нефрографическая фаза
    """,
    Phase.EXCRETORY: """
        Excretory; DELAYED 10 MIN; Ausscheidungsphase; Spätphase; temps tardif; fase excretora;
        fase escretoria; Uitscheidingsfase; faza wydalnicza; geç faz; 排泄期; 排泄相; 배설기;
        Экскреторная фаза
    """,
}


@pytest.mark.parametrize(
    ("description", "phase"),
    [(text.strip(), phase) for phase, texts in DESCRIPTIONS.items() for text in texts.split(";")],
)
def test_each_language_is_understood(description: str, phase: Phase) -> None:
    [evidence] = read_description(description)
    assert evidence.favours == (phase,)


@pytest.mark.parametrize(
    "description", ["", "Thin 1.0 B30f", "Series 4", "CT urography", "Abdomen", "Topogram 0.6 T20f"]
)
def test_what_says_nothing_is_no_evidence(description: str) -> None:
    assert read_description(description) == []


def test_two_phases_in_one_description_do_not_decide() -> None:
    favoured = [evidence.favours for evidence in read_description("delayed nephrographic")]
    assert favoured == [(Phase.NEPHROGRAPHIC,), (Phase.EXCRETORY,)]


@pytest.mark.parametrize("description", ["Abdomen mit KM", "post contrast", "增强"])
def test_contrast_alone_means_any_enhanced_phase(description: str) -> None:
    [evidence] = read_description(description)
    assert evidence.favours == ENHANCED


@pytest.mark.parametrize(
    ("description", "seconds"),
    [("Uro 100 s", 100), ("10min", 600), ("35sec", 35), ("8 мин", 480), ("80秒", 80), ("5.0 mm", None), ("3 s", None)],
)
def test_delays_are_read(description: str, seconds: float | None) -> None:
    assert described_delay_s(description) == seconds


@pytest.mark.parametrize(
    ("description", "virtual"),
    [
        *((text, True) for text in ("VNC", "ABD_VNC 3.0", "Virtual non-contrast", "Virtual Unenhanced", "GSI VUE 2.5")),
        *((text, True) for text in ("Virtuell nativ 5.0", "virtuel sans injection", "Jodkarte", "Iodine map", "碘图")),
        *((text, True) for text in ("Carte d'iode", "Mapa de yodo", "Виртуальная бесконтрастная")),
        *((text, False) for text in ("", "TNC 1.5", "Abdomen nativ", "sin contraste")),
        *((text, False) for text in ("Vue axiale", "vue d'ensemble", "Vue abdomen sans inj", "VUE 3mm", "Reprise vue")),
        *((text, False) for text in ("Iodinated contrast 10 min", "Mono 70 keV", "virtual colonoscopy", "平扫")),
    ],
)
def test_what_is_computed_from_several_energies_is_known(description: str, virtual: bool) -> None:
    assert names_several_energies(description) == virtual


@given(st.text(max_size=64))
def test_any_text_is_taken(description: str) -> None:
    read_description(description)
    described_delay_s(description)
    names_several_energies(description)
