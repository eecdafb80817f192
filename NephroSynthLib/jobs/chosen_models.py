"""Checks of the models that a user chose, before a job reads anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from NephroSynthLib import options
from NephroSynthLib.settings import Settings

if TYPE_CHECKING:
    from NephroSynthLib.models.bundle import Task

_DEFAULTS: dict[Task, str] = {
    "segmentation": options.SEGMENTATION_MODEL.default,
    "synthesis": options.SYNTHESIS_MODEL.default,
}


def check_chosen_models(settings: Settings, *tasks: Task) -> None:
    """Checks that the models of some stages exist and are made for these stages.

    The default models are not checked, so that a job without a choice need not load the library of bundles.

    Args:
        settings: The settings of the job.
        tasks: The stages whose models the job uses.

    Raises:
        ModelError: If a model is unknown, unreadable or of another task.
    """
    chosen = {task: getattr(settings, task).model for task in tasks}
    given = {task: model for task, model in chosen.items() if model != _DEFAULTS[task]}
    if given:
        from NephroSynthLib.models.bundle import check_task
        from NephroSynthLib.segmentation.segmenter import check_segmenter

        for task, model in given.items():
            check_segmenter(model) if task == "segmentation" else check_task(model, task)
