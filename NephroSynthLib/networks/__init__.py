"""Denoising networks; pure torch."""
