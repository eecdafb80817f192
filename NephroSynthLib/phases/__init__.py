"""Which volume is which phase of contrast enhancement, by pixels, tags and words. Opens no file, knows no scene."""
