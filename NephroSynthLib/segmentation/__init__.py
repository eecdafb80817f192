"""Segmentation of the right and the left kidney in any phase of a CT."""
