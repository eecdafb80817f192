"""Diffusion models around one idea: a denoiser that returns the clean image. Pure torch; nothing here knows CT."""
