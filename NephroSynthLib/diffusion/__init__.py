"""Diffusion models as one idea: a denoiser that returns the clean image; pure torch, no CT in it."""
