"""Grids, windows, resampling and image files: what every stage needs of a volume."""
