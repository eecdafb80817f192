"""A classifier of images by their features, for the Inception Score without a network that was trained to classify.

MT-DDPM classifies by Inception, which knows no CT. Here the classes are those that k-means finds among acquired images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import cluster

CLASSES = 10


class FeatureClasses:
    """Gaussians of one common spread around the k means of some features (Lloyd 1982).

    Args:
        features: Features of acquired images, (n, d).
        classes: Number of classes; fewer where there are not twice as many images.
        seed: Of the start of k-means.
    """

    def __init__(self, features: NDArray[np.floating], classes: int = CLASSES, seed: int = 0) -> None:
        x = features.astype(np.float64)
        count = max(1, min(classes, len(x) // 2))
        means, labels = cluster.vq.kmeans2(x, count, minit="++", seed=seed)
        used = np.unique(labels)
        self.means = means[used]
        self.shares = np.array([(labels == label).mean() for label in used])
        self.variance = max(float(np.mean((x - means[labels]) ** 2)), 1e-12)

    def probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Returns p(class | image) of images by their features (n, d), (n, classes)."""
        x = features.astype(np.float64)
        distances = ((x[:, None] - self.means[None]) ** 2).sum(axis=2)
        logits = np.log(self.shares) - distances / (2 * self.variance)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return found
