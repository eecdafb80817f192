from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.simulation.tissues import PUBLISHED_HU, TISSUE_COUNT, HuRange, Tissue


def test_labels_count_from_zero_without_a_gap_and_fit_in_a_byte() -> None:
    assert sorted(Tissue) == list(range(TISSUE_COUNT))
    assert max(Tissue) <= np.iinfo(np.uint8).max
    assert Tissue.AIR == 0


@pytest.mark.parametrize("tissue", PUBLISHED_HU, ids=lambda tissue: tissue.name)
def test_published_ranges_are_ranges_that_ct_stores_and_name_their_source(tissue: Tissue) -> None:
    published = PUBLISHED_HU[tissue]
    for low, high in (published.noncontrast, published.nephrographic, published.excretory):
        assert -1024 <= low < high <= 3071
    assert any(character.isdigit() for character in published.source)


@pytest.mark.parametrize("tissue", [Tissue.CORTEX, Tissue.MEDULLA, Tissue.AORTA, Tissue.LIVER, Tissue.SPLEEN])
def test_contrast_raises_the_range_of_perfused_tissue(tissue: Tissue) -> None:
    published: HuRange = PUBLISHED_HU[tissue]
    assert sum(published.noncontrast) < sum(published.excretory) < sum(published.nephrographic)
