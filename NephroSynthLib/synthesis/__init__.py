"""The synthesis stage: a nephrographic phase from a non-contrast and an aligned excretory phase, on one grid."""
