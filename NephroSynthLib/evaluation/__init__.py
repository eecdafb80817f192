"""Judging a synthetic phase by the acquired one: similarity, HU by region, Fréchet distance, overlap of kidneys."""

from NephroSynthLib.evaluation.evaluate import Metrics, evaluate

__all__ = ["Metrics", "evaluate"]
