"""The kidneys in any phase of a CT, left and right told apart."""
