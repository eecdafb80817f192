"""Series descriptions: the words for each phase in the languages of radiology departments."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from NephroSynthLib.phases.evidence import ENHANCED, PHASES, Evidence, Phase

_WEIGHT = 2.0
_WEAK = 1.2

# The words of each phase in many languages, in any case and with any accents; a trailing * stands for any ending.
# 'portal' lies between two phases, at 65 to 80 s. Most CT urographies with it have no later parenchymal phase.
_WORDS: Mapping[str, Sequence[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_SECONDS = ("s", "sec", "secs", "sek", "seg", "sn", "сек", "с", "秒", "초")
_MINUTES = ("min", "mins", "мин", "dk", "分", "分钟", "分鐘", "분")
_DELAY = re.compile(rf"(?<![\d.,])(\d{{1,4}}) ?({'|'.join((*_SECONDS, *_MINUTES))})(?![a-zа-я])")


def read_description(description: str) -> list[Evidence]:
    """Returns the evidence in a series description, in any of the known languages; empty if there is none.

    The evidence does not quote the description, because it can name the patient.
    """
    text = _normalized(description)
    found = [phase for phase in PHASES if phase.value in _PATTERNS and _PATTERNS[phase.value].search(text)]
    evidence = [Evidence("description", f"the description says {phase.words}", {phase: _WEIGHT}) for phase in found]
    if not found and _PATTERNS["portal"].search(text):
        weights = {Phase.NEPHROGRAPHIC: _WEAK, Phase.CORTICOMEDULLARY: _WEAK / 2}
        evidence.append(Evidence("description", "the description says portal venous", weights))
    if not evidence and _PATTERNS["contrast"].search(text):
        evidence.append(Evidence("description", "the description says contrast", dict.fromkeys(ENHANCED, _WEAK)))
    return evidence


@lru_cache(maxsize=4096)
def names_several_energies(description: str) -> bool:
    """Tells whether a description names an image computed from several energies: virtual non-contrast, iodine."""
    return _PATTERNS["energies"].search(_normalized(description)) is not None


def described_delay_s(description: str) -> float | None:
    """Returns the delay in s that a description names, as in '100 s' or '8 min'; None if it names none."""
    found = _DELAY.search(_normalized(description))
    if found is None:
        return None
    seconds = float(found[1]) * (60 if found[2] in _MINUTES else 1)
    return seconds if 15 <= seconds <= 3600 else None


def _normalized(text: str) -> str:
    """Returns text in lower case without accents; other signs become one space, except in 'C-' and 'C+'."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ı", "i"))
    plain = unicodedata.normalize("NFKC", "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f"))
    signs = re.sub(r"\bc ?([+-])(?!\w)", lambda match: "cplus" if match[1] == "+" else "cminus", plain)
    return " ".join(re.sub(r"[\W_]+", " ", signs).split())


def _word_pattern(word: str) -> str:
    return re.escape(_normalized(word.rstrip("*"))) + (r"\w*" if word.endswith("*") else "")


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Returns a pattern of whole words; in scripts without spaces a word may stand anywhere."""
    alternatives = []
    for phrase in ", ".join(words).split(","):
        parts = [_word_pattern(word) for word in phrase.split()]
        if re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", phrase):
            alternatives.append(" ".join(parts))
        elif parts:
            alternatives.append(rf"(?<!\w){' '.join(parts)}(?!\w)")
    return re.compile("|".join(sorted(alternatives, key=len, reverse=True)))


_PATTERNS = {name: _pattern(words) for name, words in _WORDS.items()}
