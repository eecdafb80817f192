"""The worker of a front end with a window, which runs many exams too: `python -m NephroSynthLib.cohort.batch_worker`.

Its protocol is that of `NephroSynthLib.jobs.worker`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from NephroSynthLib.jobs import worker

if TYPE_CHECKING:
    from NephroSynthLib.jobs.catalogue import Job


def load_jobs() -> Mapping[str, Job]:
    """Imports the jobs, which takes a while, and returns them by name."""
    from NephroSynthLib.cohort.batch_jobs import BATCH_JOBS

    return BATCH_JOBS


if __name__ == "__main__":
    sys.exit(worker.main(load_jobs))
