"""Regression: a U-Net, slice by slice or in three dimensions, trained by the mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import REGION, SLAB
from NephroSynthLib.methods.translation import Translation, TranslatorConfig, translator_config
from NephroSynthLib.networks.blocks import Size

if TYPE_CHECKING:
    from NephroSynthLib.methods.regression_training import RegressionTraining


class _Regression(Translation):
    def training_module(self, plan: TrainingPlan) -> RegressionTraining:
        """Returns the training by mean absolute error; see `TrainableMethod`."""
        from NephroSynthLib.methods.regression_training import RegressionTraining

        return RegressionTraining(self.network, plan)


class Regression2D(_Regression):
    """Regression slice by slice."""

    name: ClassVar[str] = "regression-2d"
    title: ClassVar[str] = "U-Net with L1 loss, 2D"
    crop: ClassVar[Size] = SLAB
    default: ClassVar[TranslatorConfig] = translator_config(flat=True)


class Regression3D(_Regression):
    """Regression by region."""

    name: ClassVar[str] = "regression-3d"
    title: ClassVar[str] = "U-Net with L1 loss, 3D"
    crop: ClassVar[Size] = REGION
    default: ClassVar[TranslatorConfig] = translator_config(flat=False)


if TYPE_CHECKING:
    _conform: tuple[type[TrainableMethod], ...] = (Regression2D, Regression3D)
