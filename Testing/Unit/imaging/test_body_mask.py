from __future__ import annotations

import numpy as np

from NephroSynthLib.imaging.body_mask import body_mask


def test_the_body_is_found_without_table_and_air() -> None:
    values = np.full((10, 40, 60), -1000.0, dtype=np.float32)
    values[:, 8:28, 10:50] = 20.0
    values[:, 14:20, 20:30] = -900.0
    values[:, 34:37, 5:55] = -100.0
    body = body_mask(values)
    assert body[:, 8:28, 10:50].sum() > 0.95 * 10 * 20 * 40
    assert not body[:, 30:].any()


def test_an_image_of_air_has_no_body_to_mask() -> None:
    assert body_mask(np.full((4, 8, 8), -1000.0, dtype=np.float32)).all()
