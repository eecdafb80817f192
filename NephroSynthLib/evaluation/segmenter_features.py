"""Features of our own segmenter's encoder, and of a network from a file, for distances between sets of images.

The segmenter was trained on CT, unlike Inception (FID) and I3D (FVD), which are not part of this project. Distances by
its features rank methods within this project. To compare with published numbers, give the TorchScript file of that
network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.evaluation.frechet import FeatureNetwork
from NephroSynthLib.imaging.window import from_window
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.swin_diffusion import restore_denoiser
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser

SEGMENTER = "kidney-segmenter"


class SegmenterFeatures:
    """The encoder of a segmenter, at pure noise, whose place zeros take.

    Args:
        model: Name or path of a segmentation bundle.

    Raises:
        ModelError: There is no such model of that kind.
    """

    def __init__(self, model: str = SEGMENTER) -> None:
        denoiser = restore_denoiser(load_bundle(model, "segmentation"), "cpu")
        assert isinstance(denoiser.network, SwinDenoiser)
        self.network = denoiser.network
        self.end = denoiser.process.label(torch.tensor([denoiser.process.end]))

    def __call__(self, volumes: Tensor, /) -> Tensor:
        """Returns the mean of each channel of each level, (n, 192), of volumes (n, 1, z, y, x) in [-1, 1]."""
        return torch.cat([level.mean(dim=(2, 3, 4)) for level in self.levels(volumes)], dim=1)

    def levels(self, volumes: Tensor) -> list[Tensor]:
        """Returns the output of each level of the encoder, (n, C, z, y, x), the finest first."""
        hu = from_window(volumes)
        condition = torch.cat([volumes, (hu / 1000).clamp(-1, 1)], dim=1)
        with torch.no_grad():
            return self.network.features(torch.zeros_like(volumes), self.end.expand(len(volumes)), condition)


def perceptual_distance(first: Tensor, second: Tensor, network: SegmenterFeatures) -> Tensor:
    """Returns a distance of images pair by pair, as LPIPS without learned weights (Zhang et al. 2018, eq. 1).

    At each place of each level the features are scaled to unit length. Their squared distances are averaged over the
    places and added over the levels.

    Args:
        first: Volumes (n, 1, z, y, x) in [-1, 1].
        second: Likewise.
        network: The encoder.

    Returns:
        Distances (n,), 0 for equal images.
    """
    total = torch.zeros(len(first))
    for a, b in zip(network.levels(first), network.levels(second), strict=True):
        a, b = (torch.nn.functional.normalize(level, dim=1) for level in (a, b))
        total += (a - b).square().sum(dim=1).mean(dim=(1, 2, 3))
    return total


def feature_network(file: Path | None) -> FeatureNetwork:
    """Returns the network of a TorchScript file, or the segmenter's encoder where there is none.

    A TorchScript file holds a program, which runs when it is used. Give only a file whose source you trust.

    Args:
        file: Takes volumes (n, 1, z, y, x) in [-1, 1] to features (n, d).

    Raises:
        ModelError: The file cannot be read.
    """
    if file is None:
        return SegmenterFeatures()
    try:
        network: FeatureNetwork = torch.jit.load(str(file), map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"The feature network {file} is no TorchScript file.", Action.CHOOSE_MODEL) from error
    return network
