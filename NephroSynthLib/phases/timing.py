"""When an acquisition began, and how long after the injection, by its DICOM header."""

from __future__ import annotations

from datetime import datetime, timedelta

from NephroSynthLib.phases.evidence import Tags

_LONGEST_S = 7200.0
_LONGEST_EXCRETORY_S = 3600.0
_SHORTEST_S = 15.0


def acquired_at(header: Tags) -> datetime | None:
    """Returns the time at which an acquisition began; None where the header lacks it."""
    moment = str(header.get("AcquisitionDateTime") or "")[:14]
    if not moment:
        date = str(header.get("AcquisitionDate") or header.get("SeriesDate") or header.get("StudyDate") or "")
        moment = date + str(header.get("AcquisitionTime") or "")[:6]
    try:
        return datetime.strptime(moment, "%Y%m%d%H%M%S")
    except ValueError:
        return None


def contrast_delay_s(header: Tags) -> float | None:
    """Returns the seconds from the start of the injection to the acquisition, negative before it.

    Args:
        header: The attributes of the acquisition.

    Returns:
        The delay in s. None where the header lacks a time, or where the delay cannot be right: above two hours, or
        less than 15 s, because scanners that do not know the injection write the time of the scan.
    """
    acquired, start = acquired_at(header), str(header.get("ContrastBolusStartTime") or "")[:6]
    if acquired is None or len(start) != 6:
        return None
    try:
        injected = datetime.combine(acquired.date(), datetime.strptime(start, "%H%M%S").time())
    except ValueError:
        return None
    delay = (acquired - injected + timedelta(hours=12)) % timedelta(days=1) - timedelta(hours=12)
    seconds = delay.total_seconds()
    return None if seconds > _LONGEST_S or 0 <= seconds < _SHORTEST_S else seconds


def excretory_delay_s(header: Tags) -> float | None:
    """Returns the delay of an excretory phase in s; None where the header lacks it, or it fits no excretory phase."""
    delay = contrast_delay_s(header)
    return delay if delay is not None and 0 < delay <= _LONGEST_EXCRETORY_S else None
