"""The phases of one patient: reading, checking, kidney label maps."""
