"""Networks of denoisers and their building blocks; pure torch."""
