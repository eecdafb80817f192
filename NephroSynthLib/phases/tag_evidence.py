"""Evidence from the headers of an exam's acquisitions: contrast agent, timing, order and description."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from NephroSynthLib.phases.evidence import ENHANCED, Evidence, Phase, Tags
from NephroSynthLib.phases.timing import acquired_at, contrast_delay_s
from NephroSynthLib.phases.words import described_delay_s, read_description

# Median delay in s and its spread as a standard deviation of the logarithm. Delays of CT urography: Van Der Molen et
# al., Eur Radiol 2008;18:4-17 (25 to 35 s, 80 to 120 s, 5 to 15 min).
_DELAYS: Mapping[Phase, tuple[float, float]] = {
    Phase.CORTICOMEDULLARY: (35.0, 0.3),
    Phase.NEPHROGRAPHIC: (95.0, 0.3),
    Phase.EXCRETORY: (520.0, 0.5),
}
_TIMING_LIMIT = 2.5
_NOT_AFTER_INJECTION = 2.0
_AGENT_GIVEN, _AGENT_MISSING = 1.0, 1.2
_ORDER = 0.7
_AGENT_TAGS = ("ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusVolume", "ContrastBolusTotalDose")


def read_tags(headers: Sequence[Tags]) -> list[list[Evidence]]:
    """Reads the evidence from the headers of the acquisitions of one exam.

    A tag with the same value in several acquisitions, and in all of them, does not tell them apart and is left out.

    Args:
        headers: The attributes of each acquisition.

    Returns:
        The evidence for each acquisition.
    """
    evidence: list[list[Evidence]] = [[] for _ in headers]
    descriptions = [str(header.get("SeriesDescription") or "") for header in headers]
    if len(headers) == 1 or len(set(descriptions)) > 1:
        for found, description in zip(evidence, descriptions, strict=True):
            found += read_description(description)
            delay = described_delay_s(description)
            if delay is not None:
                text = f"the description names {delay:.0f} s"
                found.append(Evidence("description", text, _delay_weights(delay)))
    agents = [_has_agent(header) for header in headers]
    for found, header, agent in zip(evidence, headers, agents, strict=True):
        if len(headers) == 1 or not all(agents):
            found += _contrast(agent, any(agents))
        found += _timing(header)
    for found, order in zip(evidence, _order([acquired_at(header) for header in headers]), strict=True):
        found += order
    return evidence


def _has_agent(header: Tags) -> bool:
    return any(header.get(tag) not in (None, "", 0) for tag in _AGENT_TAGS)


def _contrast(named: bool, named_in_study: bool) -> list[Evidence]:
    if named:
        return [Evidence("contrast", "a contrast agent is named", dict.fromkeys(ENHANCED, _AGENT_GIVEN))]
    if named_in_study:
        text = "no contrast agent is named, as it is in other series"
        return [Evidence("contrast", text, {Phase.NONCONTRAST: _AGENT_MISSING})]
    return []


def _timing(header: Tags) -> list[Evidence]:
    seconds = contrast_delay_s(header)
    if seconds is None:
        return []
    if seconds < 0:
        text = f"scanned {-seconds:.0f} s before the injection"
        return [Evidence("timing", text, {Phase.NONCONTRAST: _NOT_AFTER_INJECTION})]
    return [Evidence("timing", f"scanned {seconds:.0f} s after the injection", _delay_weights(seconds))]


def _delay_weights(seconds: float) -> dict[Phase, float]:
    weights = dict.fromkeys(Phase, -_TIMING_LIMIT)
    for phase, (median, spread) in _DELAYS.items():
        deviation = math.log(seconds / median) / spread
        weights[phase] = max(-_TIMING_LIMIT, -(deviation**2) / 2)
    return weights


def _order(times: Sequence[datetime | None]) -> list[list[Evidence]]:
    known = sorted({time for time in times if time is not None})
    if len(known) < 2:
        return [[] for _ in times]
    return [[] if time is None else [_place(known.index(time), len(known))] for time in times]


def _place(index: int, count: int) -> Evidence:
    text = f"acquisition {index + 1} of {count} in time"
    if index == 0:
        return Evidence("timing", text, {Phase.NONCONTRAST: _ORDER})
    if index == count - 1:
        return Evidence("timing", text, {Phase.EXCRETORY: _ORDER})
    return Evidence("timing", text, {Phase.NEPHROGRAPHIC: _ORDER / 2, Phase.CORTICOMEDULLARY: _ORDER / 2})
