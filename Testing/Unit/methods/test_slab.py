from __future__ import annotations

import torch

from NephroSynthLib.methods.slab import REGION, SLAB, as_slices


def test_each_slice_is_a_sample_with_the_context_of_its_volume() -> None:
    image, context = torch.randn(2, 3, 4, 5, 6), torch.randn(2, 7)
    batch = as_slices({"context": context, "image": image})
    assert batch["image"].shape == (8, 3, 1, 5, 6)
    assert batch["context"].shape == (8, 7)
    for volume in range(2):
        for z in range(4):
            torch.testing.assert_close(batch["image"][4 * volume + z, :, 0], image[volume, :, z])
            torch.testing.assert_close(batch["context"][4 * volume + z], context[volume])


def test_a_step_of_each_kind_sees_equally_many_voxels() -> None:
    assert torch.Size(SLAB).numel() == torch.Size(REGION).numel()
