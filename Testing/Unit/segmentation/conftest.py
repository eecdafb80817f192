from __future__ import annotations

import pytest
from Unit.segmentation.abdomen import Abdomen


@pytest.fixture
def abdomen() -> Abdomen:
    return Abdomen()
