"""Unconditional generators of new CT slices and volumes, one file each, behind one interface (`generator`)."""
