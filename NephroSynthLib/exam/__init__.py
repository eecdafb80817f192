"""The phases of one patient: reading, checks, and kidney label maps."""
