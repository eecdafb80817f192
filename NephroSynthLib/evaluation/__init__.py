"""Judging: similarity to an acquired phase, region statistics, Fréchet distance, and the report of a run."""

from NephroSynthLib.evaluation.evaluate import Metrics, evaluate

__all__ = ["Metrics", "evaluate"]
