"""The worker, whose jobs `run` and `sample` take their files from folders: `played_worker.py RESULT EXAM`.

It is the real worker in all else: it checks the requests, speaks the protocol, and carries out all other jobs.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

PAUSE_S = 0.3
"""The time of a stage, in which a test can look at the bars."""


def command(result: Path, exam: Path) -> tuple[str, ...]:
    """The command line of the worker."""
    return (sys.executable, __file__, str(result), str(exam))


def main(arguments: Sequence[str]) -> int:
    """Carries out a job."""
    from NephroSynthLib.cohort import batch_jobs
    from NephroSynthLib.jobs import worker
    from NephroSynthLib.jobs.catalogue import JOBS, Job

    result, exam = (Path(argument) for argument in arguments)

    def run(request: Any, progress: Any) -> Any:
        for phase in (request.noncontrast, request.excretory):
            assert phase.is_file()
        for stage in ("read", "segment", "register", "synthesize", "judge", "save"):
            progress.stage(stage).update(0.5, f"Playing: {stage}")
            time.sleep(PAUSE_S)
            progress.stage(stage).update(1.0)
        shutil.copytree(result, request.out)
        return json.loads((request.out / "result.json").read_text(encoding="utf-8"))

    def sample(request: Any, progress: Any) -> Any:
        replace(progress, stage_name="simulate").update(0.5, "Playing: simulate")
        shutil.copytree(exam, request.out, dirs_exist_ok=True)
        return {"warnings": []}

    played = {name: JOBS[name]._replace(work=work) for name, work in (("run", run), ("sample", sample))}
    for jobs in (JOBS, batch_jobs.BATCH_JOBS):
        cast(dict[str, Job], jobs).update(played)
    vars(batch_jobs)["models_of"] = lambda settings: {}  # it would load the libraries of networks, which nothing needs
    return worker.main(lambda: batch_jobs.BATCH_JOBS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
