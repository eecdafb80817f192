"""Contrast kinetics: enhancement over time, its priors, and estimates from an exam. Needs numpy and scipy only."""
