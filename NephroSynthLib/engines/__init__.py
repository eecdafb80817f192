"""Engines carry out one task for each exam: processes of this machine, or a cluster."""
