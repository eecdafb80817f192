"""Everything that touches a MRML scene and is not a widget; the only place of the library that imports slicer."""
