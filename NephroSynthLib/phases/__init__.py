"""Which volume is which phase of contrast enhancement: evidence from pixels, tags and words."""
