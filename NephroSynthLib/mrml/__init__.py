"""The scene logic: everything that touches a MRML scene, without widgets. Only this room imports slicer."""
