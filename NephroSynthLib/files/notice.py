"""The notices that every result carries."""

from __future__ import annotations

RESEARCH_ONLY = "Research use only. Not a medical device; not for diagnosis or treatment."
SIMULATED_TRAINING = "The bundled models were trained on simulated exams only."
