"""FDS of MT-DDPM: features embedded in a plane by t-SNE, and the divergence of their Gaussians."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

PERPLEXITY = 30.0
STEPS = 500
EARLY = 100
"""Steps with all affinities enlarged fourfold (van der Maaten & Hinton 2008, section 3.4)."""
RATE = 100.0


def feature_similarity(real: NDArray[np.floating], synthetic: NDArray[np.floating], seed: int = 0) -> float:
    """Returns FDS: the KL divergence of the Gaussian of the real features from that of the synthetic ones.

    Both sets are embedded together.

    Args:
        real: Features, (n, d), n at least 3.
        synthetic: Features, (m, d), m at least 3.
        seed: Of the start of the embedding.

    Returns:
        In nats, 0 for equal distributions.
    """
    plane = tsne(np.concatenate([real, synthetic]).astype(np.float64), seed)
    return gaussian_kl(plane[: len(real)], plane[len(real) :])


def gaussian_kl(first: Points, second: Points) -> float:
    """Returns KL(N1 || N2) of Gaussians fitted to points (n, d) and (m, d), in nats."""
    shift = second.mean(axis=0) - first.mean(axis=0)
    a, b = (np.cov(points, rowvar=False) for points in (first, second))
    inverse = np.linalg.inv(b)
    logs = np.linalg.slogdet(b)[1] - np.linalg.slogdet(a)[1]
    return float((np.trace(inverse @ a) + shift @ inverse @ shift - len(shift) + logs) / 2)


def tsne(features: Points, seed: int = 0, perplexity: float = PERPLEXITY) -> Points:
    """Embeds features (n, d) in the plane, (n, 2) (van der Maaten & Hinton 2008, algorithm 1).

    Args:
        features: The features.
        seed: Of the random start.
        perplexity: Effective number of neighbours, at most a third of the points.
    """
    p = affinities(features, min(perplexity, (len(features) - 1) / 3))
    p = ((p + p.T) / (2 * len(p))).clip(1e-12)
    y = 1e-4 * np.random.default_rng(seed).standard_normal((len(features), 2))
    velocity = np.zeros_like(y)
    for step in range(STEPS):
        closeness = 1 / (1 + _squared_distances(y))
        np.fill_diagonal(closeness, 0)
        q = (closeness / closeness.sum()).clip(1e-12)
        pull = (p * (4 if step < EARLY else 1) - q) * closeness
        gradient = 4 * (pull.sum(axis=1)[:, None] * y - pull @ y)  # eq. 5
        velocity = (0.5 if step < EARLY else 0.8) * velocity - RATE * gradient
        y = y + velocity
        y = y - y.mean(axis=0)
    return y


def affinities(features: Points, perplexity: float) -> Points:
    """Returns p(j|i) (van der Maaten & Hinton 2008, eq. 1), (n, n), each row of the wanted perplexity."""
    distances = _squared_distances(features)
    rows = np.zeros_like(distances)
    for i, row in enumerate(distances):
        others = np.delete(row, i)
        others = others - others.min()
        low, high, precision = 0.0, np.inf, 1 / max(float(others.mean()), 1e-12)
        for _ in range(60):
            weights = np.exp(-others * precision)
            share = weights / weights.sum()
            entropy = -(share * np.log(share.clip(1e-300))).sum()
            if abs(entropy - np.log(perplexity)) < 1e-5:
                break
            low, high = (precision, high) if entropy > np.log(perplexity) else (low, precision)
            precision = 2 * precision if np.isinf(high) else (low + high) / 2
        rows[i, np.arange(len(row)) != i] = share
    return rows


def _squared_distances(points: Points) -> Points:
    squares = (points * points).sum(axis=1)
    return (squares[:, None] + squares[None] - 2 * points @ points.T).clip(min=0)
