"""Synthesis methods, one file each, behind one interface (`method`) and one registry of names (`registry`)."""
