"""The shared handling of volumes: grids, resampling, window, sides, image files, similarity measures."""
