from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import bundle_and_restore

from NephroSynthLib.errors import ModelError
from NephroSynthLib.methods import dssnict
from NephroSynthLib.methods.regression import Regression2D
from NephroSynthLib.methods.translation import TranslatorConfig, translator_config


def test_its_configuration_survives_json() -> None:
    config = translator_config(flat=True)
    assert TranslatorConfig.model_validate_json(config.model_dump_json()) == config


def test_a_header_of_another_configuration_is_refused(tmp_path: Path) -> None:
    method = Regression2D.untrained()
    method.configuration = dssnict.CONFIGURATION  # type: ignore[assignment]
    with pytest.raises(ModelError, match="metadata of the model file"):
        bundle_and_restore(method, tmp_path)
