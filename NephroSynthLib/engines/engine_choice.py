"""The engine that a user chose; Ray loads only where it is wanted."""

from __future__ import annotations

import importlib.util

from NephroSynthLib.engines.engine import Engine, Resources
from NephroSynthLib.engines.local_engine import LocalEngine
from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.options import EngineName


def engine_of(name: EngineName, resources: Resources) -> Engine:
    """Returns the engine of a name.

    Raises:
        UsageError: Ray is asked for and not installed, or options are given that the engine does not have.
    """
    if name == "local":
        if resources.address or resources.gpus_per_exam:
            raise UsageError("An address or a share of a GPU is given, which only the engine 'ray' takes.")
        return LocalEngine(resources.workers)
    if importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is not installed.", Action.INSTALL_RAY)
    from NephroSynthLib.engines.ray_engine import RayEngine

    return RayEngine(resources)
